"""The login of the pages cannot write invalid rows."""

import psycopg2
import pytest

from tests.moderation.database_logins.helpers import ROWS, attempt, run

COPIED = {  # columns of a comment that is written as a new one
    "author_name": "author_name",
    "author_email": "''",
    "body": "'A word.'",
    "is_plain_text": "false",
    "body_html": "'<p>A word.</p>'",
    "text_missing": "''",
    "revision": "1",
    "reply_count": "0",
    "recommend_count": "0",
    "source_parent": "''",
    "discussion_id": "discussion_id",
    "parent_id": "NULL::bigint",
    "tree_id": "nextval('comments_tree_seq')",
    "lft": "1",
    "rght": "2",
    "level": "0",
    "created_at": "now()",
    "state": "'published'",
    "state_reason": "'posted'",
    "source": "''",
    "source_id": "''",
}
FIRST_LINE = """
INSERT INTO comments_transition
  (kind, discussion_id, comment_id, revision, from_state, to_state, from_reason, reason, new_parent_id)
SELECT 'state', discussion_id, id, 1, '', state, '', state_reason, parent_id FROM made"""


def comment(**values: str) -> str:
    """Return a statement that writes a comment with its transition, valid except for these values."""
    columns = COPIED | values
    return (
        f"WITH made AS (INSERT INTO comments_comment ({', '.join(columns)}) "
        f"SELECT {', '.join(columns.values())} FROM comments_comment WHERE id = {{published}} RETURNING *)"
        f"{FIRST_LINE}"
    )


def line(**values: str) -> str:
    """Return a statement that writes a transition of a published comment, valid except for these values."""
    columns = {
        "kind": "'state'",
        "discussion_id": "discussion_id",
        "comment_id": "id",
        "revision": "revision",
        "from_state": "state",
        "to_state": "state",
        "from_reason": "state_reason",
        "reason": "state_reason",
    } | values
    return (
        f"INSERT INTO comments_transition ({', '.join(columns)}) SELECT {', '.join(columns.values())} "
        "FROM comments_comment WHERE id = {published}"
    )


def move(which: str, to: str) -> str:
    """Return a statement that moves a comment below another one, with its transition."""
    return (
        f"WITH made AS (UPDATE comments_comment SET parent_id = {{{to}}} WHERE id = {{{which}}} RETURNING *) "
        "INSERT INTO comments_transition (kind, discussion_id, comment_id, revision, from_state, to_state, "
        "from_reason, reason, new_parent_id) "
        "SELECT 'move', discussion_id, id, revision, '', '', '', 'moved', parent_id FROM made"
    )


def role(granted: str, at: str = "statement_timestamp()") -> str:
    return (
        "INSERT INTO accounts_rolechange (user_id, role_id, is_granted, at) "
        f"VALUES ({{ada}}, {{moderator}}, {granted}, {at})"
    )


GRANT = "INSERT INTO accounts_user_groups (user_id, group_id) VALUES ({ada}, {moderator})"
NO_RIGHT = "permission denied"
# Statements that somebody with the password of the web login could try, and the rule that refuses each.
BAD_WRITES = {
    "a comment hangs from itself": (move("top", "top"), "comment_not_its_own_parent"),
    "a comment hangs from its own reply": (move("top", "reply"), "comment_parent_no_reply"),
    "two comments hang from each other": (
        "UPDATE comments_comment SET parent_id = CASE id WHEN {top} THEN {waiting} ELSE {top} END "
        "WHERE id IN ({top}, {waiting})",
        "comment_parent_",
    ),
    "a comment is moved, and no line tells it": (
        "UPDATE comments_comment SET parent_id = {top} WHERE id = {waiting}",
        "comment_parent_logged",
    ),
    "a line tells of a move that was not made": (
        line(kind="'move'", to_state="''", from_state="''", new_parent_id="{top}"),
        "transition_true",
    ),
    "a comment hangs from one of another discussion": (
        move("waiting", "alien"),
        "comment_parent_in_discussion",
    ),
    "a new comment hangs from itself": (
        comment(id="990001", parent_id="990001"),
        "comment_not_its_own_parent",
    ),
    "a new comment hangs from one to come": (
        comment(id="990001", parent_id="990002"),
        "comment_after_its_parent",
    ),
    "a new comment hangs from one of another discussion": (
        comment(parent_id="{alien}"),
        "comment_parent_in_discussion",
    ),
    "a comment goes to another discussion": (
        "UPDATE comments_comment SET discussion_id = "
        "(SELECT discussion_id FROM comments_comment WHERE id = {alien}) WHERE id = {waiting}",
        "transition_of_comment",
    ),
    "a comment is published, and no line tells it": (
        "UPDATE comments_comment SET state = 'published', state_reason = 'approved' WHERE id = {waiting}",
        "comment_state_logged",
    ),
    "all comments are spam, and no line tells it": (
        "UPDATE comments_comment SET state = 'spam'",
        "comment_state_logged",
    ),
    "a removal has another reason than its line": (
        "UPDATE comments_comment SET state_reason = 'off_topic' WHERE id = {published}",
        "comment_state_logged",
    ),
    "a state that nobody knows": (
        "UPDATE comments_comment SET state = 'approved' WHERE id = {waiting}",
        "comment_state_known",
    ),
    "a new comment without a line": (comment().partition(FIRST_LINE)[0] + "SELECT 1", "comment_comes_logged"),
    "a new comment whose line tells another state": (
        comment(state="'pending'").replace("'', state, ''", "'', 'published', ''"),
        "comment_comes_logged",
    ),
    "a new comment whose line tells another parent": (
        comment(parent_id="{published}").replace("parent_id FROM made", "NULL FROM made"),
        "comment_comes_logged",
    ),
    "a line tells of a decision that was not taken": (
        line(to_state="'spam'", reason="'spam'"),
        "transition_true",
    ),
    "a line tells another reason": (line(reason="'author'"), "transition_true"),
    "a line of yesterday": (line(at="now() - interval '1 day'"), "transition_dated_now"),
    "a line of tomorrow": (line(at="now() + interval '1 day'"), "transition_dated_now"),
    "a line about a comment of another discussion": (
        line(discussion_id="(SELECT discussion_id FROM comments_comment WHERE id = {alien})"),
        "transition_of_comment",
    ),
    "a comment of tomorrow": (comment(created_at="now() + interval '1 day'"), "comment_not_in_future"),
    "a comment is dated tomorrow afterwards": (
        "UPDATE comments_comment SET created_at = now() + interval '1 day' WHERE id = {published}",
        "comment_not_in_future",
    ),
    "the number of a tree is changed": (
        "UPDATE comments_comment SET tree_id = 990000 WHERE id = {waiting}",
        "comment_tree_kept",
    ),
    "two trees with one number": (
        comment(tree_id="(SELECT tree_id FROM comments_comment WHERE id = {top})", lft="9001", rght="9002"),
        "comment_one_root_a_tree",
    ),
    "a place that ends before it begins": (
        "UPDATE comments_comment SET rght = lft WHERE id = {waiting}",
        "comment_lft_before_rght",
    ),
    "a comment that is too deep": (comment(level="64"), "comment_depth"),
    "a comment without a word": (comment(body="' '"), "comment_body_or_missing"),
    "a comment that is too long": (comment(body="repeat('a', 10001)"), "comment_body_length"),
    "one form sent twice": (
        comment(nonce="(SELECT nonce FROM comments_comment WHERE id = {published})"),
        "comment_nonce_once",
    ),
    "one comment of a source twice": (comment(source="'page-1'", source_id="'a'"), "comment_source_once"),
    "a comment is deleted": (
        "DELETE FROM comments_comment WHERE id = {reply}",
        "fk_comments_comment_id|transition_of_comment",
    ),
    "a second copy of an earlier text": (
        "INSERT INTO comments_commentrevision (comment_id, revision, body, replaced_at) "
        "SELECT comment_id, revision, body, replaced_at FROM comments_commentrevision",
        "commentrevision_once",
    ),
    "a recommendation by nobody": (
        "INSERT INTO comments_recommendation (comment_id, given, counted, at) "
        "VALUES ({published}, true, false, now())",
        "recommendation_by_one_person",
    ),
    "a finding of yesterday": (
        "INSERT INTO moderation_finding (comment_id, revision, check_name, strength, holds, spans, at) "
        "VALUES ({published}, 1, 'links', 1, true, '[]', now() - interval '1 day')",
        "finding_dated_now",
    ),
    "an act has another actor": ("UPDATE moderation_batch SET actor_id = NULL", NO_RIGHT),
    "an act is deleted": ("DELETE FROM moderation_batch", NO_RIGHT),
    "what an act changed is rewritten": ("UPDATE moderation_settingchange SET old = NULL", NO_RIGHT),
    "an act that undoes nothing": (
        "INSERT INTO moderation_batch (id, kind, at, to_state, reason, parameters, root_id, undos) "
        "SELECT gen_random_uuid(), kind, now(), '', '', '{{}}', id, 1 FROM moderation_batch LIMIT 1",
        "batch_root",
    ),
    "a second open case of a comment": (
        "INSERT INTO moderation_case (comment_id, discussion_id, opened_at, due_at, is_waiting, is_reported, "
        "is_illegal, is_new_person, is_appealed, score, script) "
        "SELECT comment_id, discussion_id, now(), now(), true, false, false, false, false, 0, '' "
        "FROM moderation_case WHERE closed_at IS NULL LIMIT 1",
        "case_one_open",
    ),
    "a sanction of nobody": (
        "INSERT INTO moderation_sanction (kind, reason, message, at, batch_id, appeal_text) "
        "SELECT 'ban', 'other', '', now(), id, '' FROM moderation_batch LIMIT 1",
        "sanction_of_one_person",
    ),
    "a second restriction of a comment": (
        "INSERT INTO moderation_restriction "
        "(comment_id, why, is_legal_hold, batch_id, at, author_name, author_email) "
        "SELECT comment_id, why, is_legal_hold, batch_id, now(), '', '' FROM moderation_restriction "
        "WHERE lifted_at IS NULL LIMIT 1",
        "restriction_one_on_a_comment",
    ),
    "restricted words are read": ("SELECT body FROM moderation_restrictedtext", NO_RIGHT),
    "restricted rows are read": ("SELECT * FROM moderation_restrictedtext", NO_RIGHT),
    "restricted words are copied": ("COPY moderation_restrictedtext TO STDOUT", NO_RIGHT),
    "restricted words are guessed": ("DELETE FROM moderation_restrictedtext WHERE body LIKE 'It%'", NO_RIGHT),
    "restricted words are rewritten": ("UPDATE moderation_restrictedtext SET body = 'Other.'", NO_RIGHT),
    "a reading is made up": (
        "INSERT INTO moderation_restrictedtextreading (restriction_id, by_id, at, is_export) "
        "SELECT min(id), {ada}, now(), false FROM moderation_restriction",
        NO_RIGHT,
    ),
    "a role that no line tells": (GRANT, "role_is_logged"),
    "a role is taken away, and no line tells it": (
        "DELETE FROM accounts_user_groups WHERE user_id = {ada}",
        "role_is_logged",
    ),
    "a role becomes another one": (
        "UPDATE accounts_user_groups SET group_id = {moderator}",
        "role_is_not_changed",
    ),
    "a line tells of a role that was not given": (
        role("true"),
        "rolechange_is_true",
    ),
    "a role by a line of yesterday": (
        f"{role('true', 'now() - interval $$1 day$$')}; {GRANT}",
        "rolechange_dated_now",
    ),
    "a role that a table of one's own tells": (
        "CREATE TEMP TABLE accounts_rolechange AS SELECT * FROM public.accounts_rolechange LIMIT 0; "
        "INSERT INTO pg_temp.accounts_rolechange (id, user_id, role_id, is_granted, at) "
        f"VALUES (1, {{ada}}, {{moderator}}, true, now()); {GRANT}",
        "role_is_logged",
    ),
    "a state that a table of one's own tells": (
        "CREATE TEMP TABLE comments_transition AS SELECT * FROM public.comments_transition LIMIT 0; "
        "WITH line AS (INSERT INTO pg_temp.comments_transition (id, kind, comment_id, to_state, reason, at) "
        "SELECT 1, 'state', {published}, 'pending', '', statement_timestamp()) "
        "UPDATE comments_comment SET state = 'pending', state_reason = '' WHERE id = {published}",
        "comment_state_logged",
    ),
    "readers are called administrators": (
        "UPDATE auth_group SET name = 'Administrator ' WHERE name = 'Reader'",
        NO_RIGHT,
    ),
    "a new role": ("INSERT INTO auth_group (name) VALUES ('Owner')", NO_RIGHT),
    "readers may do what administrators may": (
        "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT 1, id FROM auth_permission",
        NO_RIGHT,
    ),
    "somebody may do everything": (
        "INSERT INTO accounts_user_user_permissions (user_id, permission_id) "
        "SELECT {ada}, id FROM auth_permission",
        NO_RIGHT,
    ),
    "an account is deleted": ("DELETE FROM accounts_user", "fk_accounts_user_id|role_is_logged"),
    "a discussion is deleted": ("DELETE FROM comments_discussion", "fk_comments_"),
}


@pytest.mark.parametrize("name", BAD_WRITES)
def test_the_pages_login_cannot_write_invalid_rows(urls, worked, name):
    statement, rule = BAD_WRITES[name]
    with pytest.raises(psycopg2.Error) as refused:
        attempt(urls["web"], statement.format(**ROWS))
    message = f"{refused.value.diag.constraint_name} {refused.value}"
    assert any(part in message for part in rule.split("|")), message


def test_the_same_writes_are_accepted_if_valid(urls, worked):
    """So each of the others is refused for its own fault. At the end, nothing is damaged."""
    attempt(urls["web"], comment().format(**ROWS) + "; ROLLBACK")
    attempt(urls["web"], line().format(**ROWS) + "; ROLLBACK")
    attempt(urls["web"], move("waiting", "published").format(**ROWS) + "; ROLLBACK")
    attempt(urls["web"], f"{role('true')}; {GRANT}; ROLLBACK".format(**ROWS))
    assert "No inconsistencies found." in run(urls, "check_integrity")
