"""What a request gets: to read a discussion, to write in it, to look for words, and a member's own page."""
