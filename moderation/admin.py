from moderation.tree import CommentTreeAdmin as CommentTreeAdmin
