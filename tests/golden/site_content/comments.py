"""Post comments, edit, move, pick, lock and delete them, and decide on them."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from accounts.models import Guest, User
from articles.models import Article
from comments.models import Comment, State
from comments.policy import Submission
from comments.services.discussions import ensure_discussion
from comments.services.editing import edit_comment
from comments.services.moves import move_comment
from comments.services.posting import post_comment
from comments.services.recommendations import recommend
from comments.services.states import delete_comment
from comments.tasks import count_recommendations
from moderation.actions import decisions, quick_actions, redactions
from moderation.models import Action, Case
from moderation.people import sanctions
from moderation.people.profiles import Person
from moderation.spam_filter import training
from site_content.people import People, create_guest
from site_content.stories import Stories

Comments = dict[str, Comment]  # by the name that actions.txt uses
SetClock = Callable[..., None]  # with days and, optionally, hours before the end


def post(
    story: Article, body: str, author: User | Guest, parent: Comment | None = None, ip: str = ""
) -> Comment:
    """Post a comment. If `parent` waits for review, the sample's moderator approves it first."""
    writer = {"guest": author} if isinstance(author, Guest) else {"author": author}
    if parent and parent.state == State.PENDING:
        approve(User.objects.get(email="moderator@example.org"), parent)
    discussion = ensure_discussion(story)
    submission = Submission(
        discussion=discussion, parent=parent, name=author.name, body=body, ip=ip, **writer
    )
    return post_comment(submission, nonce=uuid4())


def approve(moderator: User, *comments: Comment) -> None:
    ids = [comment.pk for comment in comments]
    decisions.decide(ids=ids, to=State.PUBLISHED, reason="approved", actor=moderator)
    for comment in comments:
        comment.refresh_from_db()


def remove(moderator: User, reason: str, *comments: Comment) -> Action:
    to, ids = decisions.state_for(reason), [comment.pk for comment in comments]
    done = decisions.decide(ids=ids, to=to, reason=reason, actor=moderator)
    assert done.action
    return done.action


def decide_for_five_weeks(people: People, stories: Stories, set_clock: SetClock) -> None:
    """Post good comments and spam, and decide on them. A filter learns from these decisions each week."""
    slip, council = stories.slip, stories.council
    witnesses = people.ruth, people.rolf, people.paula, people.greta, people.bert
    approve(
        people.mona,
        *(post(council, f"{who}: I was there, and saw the boats.", who) for who in witnesses),
    )
    for week in range(4):
        set_clock(35 - 7 * week)
        for n in range(int(os.environ.get("FEW", "15"))):
            story = slip if n % 2 else council
            spammer = create_guest(f"Best Deals {week} {n}", confirmed=False)
            shop = ["watches", "loans", "pills", "shoes", "casino"][n % 5]
            text = (
                f"Buy cheap {shop} online, best {shop} {n}{week} at https://shop{n % 3}.example/{shop} now!"
            )
            spam = post(story, text, spammer, ip=f"198.51.100.{n % 4}")
            remove(people.mona if n % 3 else people.omar, "spam", spam)
            subject = ["ferry", "pier", "crane", "mayor", "fish"][n % 5]
            text = f"The {subject} was here before number {n}, in {1950 + n + week}, my aunt told me of it."
            good = post(story, text, create_guest(f"Neighbour {week} {n}"), ip=f"203.0.113.{n}")
            if good.state != State.PUBLISHED:
                approve(people.mona if n % 2 else people.omar, good)
        training.run()


def post_for_each_check(people: People, stories: Stories) -> Comment:
    """Post a comment for each check, which finds it. Return the one that another one repeats."""
    slip, council = stories.slip, stories.council
    post(slip, "A first word by nobody known.", people.ulla)
    post(slip, "Mind the gangplank, and the bollard.", create_guest("Termann"))
    post(slip, "You scoundrel of a bilge rat.", create_guest("Lister"))
    post(slip, "At the mooring.", create_guest("Topica"))
    post(council, "Weigh anchor!", create_guest("Ankerli"))
    post(council, "See http://www.shop1.example/x for it.", create_guest("Domenico"))
    post(council, "Hello there, all of you.", create_guest("Best of Deals"))
    links = "One https://a.example two https://b.example three https://c.example."
    post(council, links, create_guest("Linus"))
    original = post(council, "This very sentence is said twice, and it is long enough.", people.ruth)
    post(slip, "This very sentence is said twice, and it is long enough.", create_guest("Echo"))
    post(slip, "This very sentence is said twice, and it is long enough?! 7", create_guest("Nearly"))
    post(slip, "…!!!", create_guest("Dotty"))
    post(stories.old, "Does anybody still read this?", create_guest("Late Lena"))
    post(slip, "You are a stupid moron and I will kill you, you idiot.", create_guest("Angry Anna"))
    personal = "Call my neighbour at +47 22 33 44 55 or jane.doe@example.com, 12 Harbour Street."
    post(slip, personal, create_guest("Tattler"))
    post(slip, "Это слово сказано по-русски, о лодках.", create_guest("Олег"))
    rita = Person(user=people.rita)
    sanctions.impose(person=rita, kind="review", reason="other", actor=people.mona, message="Sorry.")
    post(slip, "I am reviewed first.", people.rita)
    quick_actions.apply_quick_action(name="review", article=stories.pre_moderated.pk, actor=people.mona)
    post(stories.pre_moderated, "All is read first here.", people.ruth)
    return original


def post_floods(stories: Stories) -> None:
    """Post two series of similar comments."""
    for n in range(12):
        text = f"Cheap harbour tours {n}: call now, the best tours in town, https://tours{n % 2}.example/go"
        story = [stories.slip, stories.council, stories.old][n % 3]
        post(story, text, create_guest(f"Tour Seller {n}", confirmed=False), ip="198.51.100.77")
    for n in range(6):
        text = "Great post, thanks for sharing this amazing information!"
        post(stories.council, text, create_guest(f"Praise {n}", confirmed=False))


def create_thread(people: People, stories: Stories) -> Comments:
    """Post, edit and delete comments on one story."""
    slip, ruth, paula, bert = stories.slip, people.ruth, people.paula, people.bert
    root = post(slip, "I *learnt* to sail here.\n\n> a quote\n\nhttps://example.org/page", people.rolf)
    reply = post(slip, "So did I.", paula, parent=root)
    redacted = post(slip, "And I did not.", ruth, parent=reply)
    loose = post(slip, "This belongs further up.", ruth)
    own = post(slip, "Greta’s word on the slip.", people.greta)
    lines = [post(slip, f"A reply with the number {n}.", bert, parent=own) for n in range(3)]
    edited = post(slip, "A word to be edidet.", paula)
    edit_comment(comment=edited, body="A word that was edited.", user=paula, guest=None)
    gone = post(slip, "I take this back.", paula)
    kept = post(slip, "I take this back, but for its reply.", bert)
    post(slip, "A reply to what is gone.", people.rolf, parent=kept)
    delete_comment(comment=gone, user=paula, guest=None)
    delete_comment(comment=kept, user=bert, guest=None)
    written = (root, reply, redacted, loose, own, *lines, edited)
    approve(people.mona, *(comment for comment in written if comment.state == State.PENDING))
    return {
        "root": root,
        "reply": reply,
        "redacted": redacted,
        "deep": edited,
        "loose": loose,
        "own": own,
        "line0": lines[0],
        "line1": lines[1],
        "line2": lines[2],
        "gone": gone,
        "kept": kept,
    }


def recommend_comments(people: People, thread: Comments) -> None:
    ruth, greta = people.ruth, people.greta
    second = [thread["redacted"], thread["own"], thread["reply"]]
    for n, who in enumerate((ruth, people.paula, people.bert)):
        recommend(comment=thread["root"], user=who, is_given=True)
        recommend(comment=second[n], user=who if who != ruth else people.rolf, is_given=True)
    recommend(comment=thread["root"], guest=greta, is_given=True)
    recommend(comment=thread["reply"], guest=greta, is_given=True)
    recommend(comment=thread["reply"], guest=greta, is_given=False)
    count_recommendations.call()


def act_on_thread(people: People, thread: Comments) -> None:
    """Move, pick, lock and redact comments, and undo some of it."""
    mona, emil, root, reply = people.mona, people.emil, thread["root"], thread["reply"]
    move_comment(comment=thread["loose"], parent=root, actor=None)
    decisions.move(comment=thread["loose"], parent=reply, actor=mona)
    moved = decisions.move(comment=thread.pop("line0"), parent=root, actor=people.omar)
    decisions.undo(action=moved, actor=mona)
    quick_actions.set_editors_pick(comment=root, is_pick=True, actor=emil)
    picked = quick_actions.set_editors_pick(comment=reply, is_pick=True, actor=emil)
    decisions.undo(action=picked, actor=emil)
    quick_actions.lock_replies(comment=thread["own"], is_locked=True, actor=mona)
    thread["own"].refresh_from_db()
    redactions.redact(comment=thread["redacted"], marked="And I [[did not]].", actor=mona)


def remove_duplicate(people: People, stories: Stories, original: Comment) -> Comment:
    text = "This very sentence is said twice, and it is long enough!"
    again = post(stories.council, text, people.greta)
    decisions.remove_as_duplicate(comment=again, of=original, actor=people.mona)
    return again


def remove_for_each_reason(people: People, stories: Stories) -> Comments:
    removed = {}
    for reason in ("off_topic", "insult", "name", "text_missing", "other", "rude_tone", "spam"):
        comment = post(stories.council, f"I go because of {reason}, they say.", people.rolf)
        remove(people.omar, reason, comment)
        removed[f"removed_{reason}"] = comment
    return removed


def undo_removals(people: People, stories: Stories) -> None:
    mona, paula = people.mona, people.paula
    several = [post(stories.council, f"Off and on again, {n}.", paula) for n in range(3)]
    action = remove(mona, "off_topic", *several)
    decisions.undo(action=decisions.undo(action=action, actor=mona).action, actor=people.omar)
    decisions.undo(
        action=remove(mona, "insult", post(stories.council, "Removed and back.", paula)), actor=mona
    )


def apply_quick_actions(people: People, stories: Stories) -> None:
    """Close and hide discussions, and close those of the whole site for a moment."""
    quick_actions.apply_quick_action(name="close", article=stories.closed.pk, actor=people.mona)
    post(stories.hidden, "Nobody can read this.", people.ruth)
    quick_actions.apply_quick_action(name="hide", article=stories.hidden.pk, actor=people.mona)
    closed = quick_actions.apply_quick_action(name="close", article=None, actor=people.ada)
    decisions.undo(action=closed, actor=people.ada)
    post(stories.members_only, "Among members.", people.ruth)


def post_last_comments(people: People, stories: Stories, start: datetime) -> Comment:
    """Post comments of the last day, one of which a moderator has open. Return the one by the reader."""
    post(stories.slip, "What waits since this morning.", create_guest("Morning Mary"))
    last = post(stories.council, "Ruth’s last word.", people.ruth)
    claimed = post(stories.slip, "Omar reads this.", create_guest("Held Hilda"))
    Case.objects.filter(comment=claimed).update(
        claimed_by=people.omar, claimed_until=start + timedelta(days=1)
    )
    return last
