"""Fill an empty site with one example of every state, and back it up: fill.py HOME BACKUP.

This runs once, on the code before the change. The clock is libfaketime's, so the site has a history of weeks
that ends at `END`; record.py continues from there on whatever day it runs. Beside BACKUP it writes
BACKUP.json: who may log in, the guest's cookie, the ids of the objects that acts.txt names, and every stored
UUID.
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from record import DATA, FAKETIME, ROOT, clock_environment, clock_of_postgres

SECRET = "golden-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"
END = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)  # of the history
START = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)  # of the recording


def main() -> None:
    home, backup = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    clock = backup.with_suffix(".clock")
    if os.environ.get("LD_PRELOAD") != FAKETIME:
        backup.parent.mkdir(parents=True, exist_ok=True)
        clock.write_text("+0")
        env = os.environ | {
            "SOUNDOFF_HOME": str(home),
            "SECRET_KEY": SECRET,
            "REAL": f"{time.time() - time.monotonic()}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        env |= clock_environment(clock)
        argv = [sys.executable, __file__, str(home), str(backup)]
        with clock_of_postgres(env):
            sys.exit(subprocess.run(argv, env=env, cwd=ROOT).returncode)

    def go(days: float, hours: float = 0) -> None:
        """Set the clock to this long before the end."""
        wanted = (END - timedelta(days=days, hours=hours)).timestamp()
        clock.write_text(f"{wanted - float(os.environ['REAL']) - time.monotonic():+.0f}")
        time.sleep(1.2)

    sys.path.insert(0, str(ROOT))
    go(45)
    manage("upgrade", "--without-backup")
    from config.server import postgres

    with postgres.database_available():
        import django

        django.setup()
        note(backup, fill(home, go))
    manage("backup", str(backup))


def manage(*argv: str) -> None:
    subprocess.run([sys.executable, "manage.py", *argv], cwd=ROOT, check=True)


def fill(home: Path, go: Any) -> dict[str, Any]:
    """Fill the site. Return the ids of the objects that the actions use."""
    from allauth.account.models import EmailAddress
    from django.utils import timezone

    from accounts.guests import confirm_guest
    from accounts.models import EDITOR, MODERATOR, READER, Guest, User
    from accounts.services import set_public_page
    from archive.services import import_page
    from articles.editing import drafts, notes
    from articles.models import Article, DocumentText, OpenForm, StandingPage, Topic, unique_slug
    from articles.publishing import front_page
    from articles.publishing import services as publication
    from articles.redaction.redact import redact_words
    from articles.redirects import add_redirect
    from articles.services import (
        change_site,
        save_article,
        save_author,
        save_page,
        save_topic,
        set_article_authors,
    )
    from comments.models import Comment, RemovalReason, State
    from comments.policy import Draft
    from comments.services.discussions import change_discussion, ensure_discussion
    from comments.services.editing import edit_comment
    from comments.services.moves import move_comment
    from comments.services.posting import post_comment
    from comments.services.recommendations import recommend
    from comments.services.states import delete_comment
    from comments.tasks import count_recommendations
    from config.server import sample
    from moderation.actions import decisions, quick_actions
    from moderation.erasure import purge, restrictions
    from moderation.erasure.restricted_content import read_texts
    from moderation.models import Appeal, Case, FilterVersion, RemovalRequest, SecondOpinion
    from moderation.people import sanctions
    from moderation.people.profiles import Person, add_note
    from moderation.reports import removal_requests
    from moderation.reports import reporting as reports
    from moderation.rules import active_rules as rules
    from moderation.rules import replay
    from moderation.rules.matching import RuleDefinition
    from moderation.scheduled_jobs import run_due_jobs
    from moderation.screening import rate_limits
    from moderation.similar import pages, scan
    from moderation.similar.decisions import decide_group
    from moderation.spam_filter import training, versions
    from tests.articles.images import made

    rate_limits.RATE_NEW = rate_limits.RATE_KNOWN = 100_000

    # People
    sample.create_accounts_and_archived_story(home)
    ruth, mona, emil, ada = (User.objects.get(email=f"{role}@example.org") for role in ROLES)
    for role, user in zip(ROLES, (ruth, mona, emil, ada), strict=True):
        user.set_password(f"golden-{role}-2026")
        user.name = user.name.split()[0]  # by which acts.txt calls them
        user.save()

    def account(name: str, *roles: str, verified: bool = True) -> User:
        user = User.objects.create_user(
            f"{name.lower()}@example.net", "golden-2026-word", name=name, roles=roles
        )
        EmailAddress.objects.create(user=user, email=user.email, verified=verified, primary=True)
        return user

    def guest(name: str, *, confirmed: bool = True) -> Guest:
        one = Guest.objects.create(name=name, email=f"{name.lower().replace(' ', '.')}@example.com")
        if confirmed:
            confirm_guest(one)
        return one

    omar, edith = account("Omar", MODERATOR), account("Edith", EDITOR)
    rolf, paula, bert, wanda, rita, kid = (
        account(n, READER) for n in ("Rolf", "Paula", "Bert", "Wanda", "Rita", "Kim")
    )
    account("Newby", READER, verified=False)
    off = account("Olaf", READER)
    off.is_active = False
    off.save()
    set_public_page(user=rolf, on=True)
    greta, gus, unsure = guest("Greta"), guest("Gus"), guest("Unsure Ulla", confirmed=False)

    # The site's settings
    change_site(
        name="The Golden Post",
        tagline="News of a harbour",
        time_zone="Europe/Oslo",
        contact_email="post@example.org",
        mail_name="The Golden Post",
        review_after_days=100,
        close_after_days=400,
        has_public_log=True,
        backs_up_nightly=True,
        backups_kept=3,
        rules_in_short="Be kind. Stay on the subject.",
        rules="# Rules\n\nBe kind, *always*.\n\n1. No advertising.\n2. No names of children.",
    )
    RemovalReason.objects.create(
        code="rude_tone", label="rude tone", message="Its tone was rude.", position=50
    )
    RemovalReason.objects.create(code="old_reason", label="an old reason", is_active=False)

    # Stories
    boats = save_topic(topic=Topic(name="Boats", slug="boats"))
    save_topic(topic=Topic(name="Council", slug="council"))
    hidden = save_topic(topic=Topic(name="Inbox", slug="inbox", shown=False))
    boats.slug = "boats-and-ships"
    save_topic(topic=boats)

    def article(
        title: str, days: float | None = None, *, by: User = emil, body: str = "", **fields: Any
    ) -> Article:
        at = timezone.now() - timedelta(days=days) if days is not None else None
        text = (
            body
            or f"The story of “{title}”.\n\nIt has a second paragraph, with [a link](https://example.com/)."
        )
        return save_article(
            article=Article(title=title, slug=unique_slug(title), body=text, published_at=at, **fields), by=by
        )

    photo = made.make_image(
        made.jpeg(), emil, alt="A sun over the sea", caption="The harbour", credit="Ida Lund"
    )
    wave = made.make_image(made.gif(4), edith, alt="A wave", focal_x=20)
    made.make_image(made.jpeg(400, 300), emil, alt="", is_decorative=True)
    slip = article(
        "The slip closes",
        2,
        standfirst="After a century.",
        lead_image=photo,
        body=f'## The end\n\nIt closes.\n\n![A sun](image:{photo.pk} "From the pier")\n\n> A quote.\n\n- one',
    )
    slip.topics.set([boats, hidden])
    set_article_authors(article=slip, people=[emil, edith])
    author = emil.author  # type: ignore[attr-defined]
    author.line, author.slug = "Writes about boats.", "emil-the-editor"
    save_author(author=author)
    council = article(
        "The council meets", 1, byline="A. Nother", body=f"![A wave](image:{wave.pk})\n\nThey met."
    )
    council.topics.set([Topic.objects.get(slug="council")])
    slip.title, slip.slug = "The slip closes for good", "the-slip-is-gone"
    save_article(article=slip, by=edith)
    slip.body += "\n\nA last word."
    save_article(article=slip, by=emil)
    drafts.keep_conflicting_copy(
        document=slip,
        text=DocumentText("The slip closes", "", "Edith’s own text."),
        by=edith,
        base=1,
        nonce=uuid4(),
    )
    notes.add_correction(article=slip, by=emil, text="An earlier version gave a wrong year.")
    notes.add_note(article=slip, by=edith, body="Ask the harbour master.")
    old = article("An old flood", 120)
    mine = article("Members only talk", 3)
    closed, unseen, first = (
        article("A closed talk", 4),
        article("A hidden talk", 5),
        article("A careful talk", 6),
    )
    article(
        "Licensed words", 8, rights="licensed", canonical_url="https://example.com/first", source_name="Wire"
    )
    article("A draft")
    article("Ready to be read", stage="ready")
    private = article("A private thing", stage="private")
    private.editors.set([edith])
    publication.publish(article=(a := article("Coming soon")), at=END + timedelta(days=30), seen=a.version)
    publication.set_embargo(
        article=(a := article("Under embargo")), until=END + timedelta(days=20), seen=a.version
    )
    publication.unpublish(
        article=(a := article("Taken back, told", 7)), why="It was not true.", seen=a.version
    )
    publication.unpublish(article=(a := article("Taken back, untold", 7)), why="", seen=a.version)
    named = article("Jane Quill was seen", 9, body="It was Jane Quill, a baker.")
    redact_words(document=named, words=["Jane Quill"])
    typed = {"title": ["Never saved"], "body": ["A text that nobody saved."]}
    drafts.autosave(
        forms=[OpenForm(uuid4(), 1)], editor=emil, kind=Article, document=council, fields=typed, snapshot=""
    )
    about = save_page(
        page=StandingPage(title="About", slug="about-us", body="We are *here*.", menu="top"), by=emil
    )
    about.slug, about.body = "about", "We are still *here*."
    save_page(page=about, by=edith)
    save_page(page=StandingPage(title="Contact", slug="contact", body="Write to us."), by=emil)
    save_page(page=StandingPage(title="Unshown", slug="unshown", body="Nothing.", shown=False), by=emil)
    front_page.pin(article=council)
    front_page.pin(article=slip)
    add_redirect(old="/2013/06/19/slip/", to=slip.get_absolute_url())
    add_redirect(old="/?p=12", to="/archive/")

    # What came from elsewhere, an import that was undone, and one that was done again
    from moderation.models import Batch, CommentGroup

    threads = [DATA / "seed" / "story.txt", *sorted((DATA / "import" / "soundoff_text").glob("*.txt"))]
    imported = []
    for number, path in enumerate(threads):
        report = import_page(data=path.read_bytes(), filename=path.name, source="Elsewhere", actor=ada)
        imported.append(report.article)
        batch = Batch.objects.filter(kind="import").latest("at")
        if number == 3:
            decisions.undo(batch=batch, actor=ada)
        if number == 4:
            decisions.undo(batch=decisions.undo(batch=batch, actor=ada).batch, actor=ada)

    def say(story: Article, body: str, who: Any, parent: Comment | None = None, ip: str = "") -> Comment:
        whose = {"guest": who} if isinstance(who, Guest) else {"author": who}
        if parent and parent.state == State.PENDING:
            approve(parent)
        discussion = ensure_discussion(story)
        draft = Draft(discussion=discussion, parent=parent, name=who.name, body=body, ip=ip, **whose)
        return post_comment(draft, nonce=uuid4())

    def approve(*comments: Comment, by: User = mona) -> Any:
        ids = [one.pk for one in comments]
        done = decisions.decide(ids=ids, to=State.PUBLISHED, reason="approved", actor=by)
        for one in comments:
            one.refresh_from_db()
        return done.batch

    def remove(reason: str, *comments: Comment, by: User = mona) -> Any:
        to, ids = decisions.state_for(reason), [one.pk for one in comments]
        return decisions.decide(ids=ids, to=to, reason=reason, actor=by).batch

    # Five weeks of decisions, from which a filter learns
    go(38)
    change_discussion(article=mine, members_only=True)
    approve(
        *(
            say(council, f"{who}: I was there, and saw the boats.", who)
            for who in (ruth, rolf, paula, greta, bert)
        )
    )
    for week in range(4):
        go(35 - 7 * week)
        for n in range(int(os.environ.get("FEW", "15"))):
            spammer = guest(f"Best Deals {week} {n}", confirmed=False)
            shop = ["watches", "loans", "pills", "shoes", "casino"][n % 5]
            text = (
                f"Buy cheap {shop} online, best {shop} {n}{week} at https://shop{n % 3}.example/{shop} now!"
            )
            bad = say(slip if n % 2 else council, text, spammer, ip=f"198.51.100.{n % 4}")
            remove("spam", bad, by=mona if n % 3 else omar)
            topic = ["ferry", "pier", "crane", "mayor", "fish"][n % 5]
            text = f"The {topic} was here before number {n}, in {1950 + n + week}, my aunt told me of it."
            good = say(slip if n % 2 else council, text, guest(f"Neighbour {week} {n}"), ip=f"203.0.113.{n}")
            if good.state != State.PUBLISHED:
                approve(good, by=mona if n % 2 else omar)
        training.run()
    learnt = FilterVersion.objects.filter(kind="learnt").first()
    batch = versions.activate(version=None, actor=ada)
    decisions.undo(batch=batch, actor=ada)
    versions.set_false_positive_limit(percent=2.0, actor=ada)
    if learnt:
        versions.activate(version=learnt, actor=ada)

    # Rules of every kind
    go(10)

    def rule(kind: str, value: str, replaces: Any = None, **more: Any) -> Any:
        written = RuleDefinition(pk=None, kind=kind, value=value, **more)
        return rules.save(rule=written, note=f"A note on {value}", actor=mona, replaces=replaces)

    term = rule("term", "gangway")
    rule("term", "gangplank", replaces=term)
    rule("term", "bollard", holds=False)
    rule("term", "mooring", topic=boats.pk)
    rule("term", "anchor", article=council.pk)
    rule("list", "bad-words.txt", terms="scoundrel\nlandlubber\nbilge rat")
    rule("domain", "shop1.example")
    rule("name", "best.*deals")
    rule("links", "2")
    rule("age", "110")
    rules.switch(rule=rule("term", "unused"), on=False, actor=omar)
    decisions.undo(
        batch=(lambda r: Batch.objects.filter(kind="rule").latest("at"))(rule("term", "undone")), actor=omar
    )

    # What each check finds; these wait
    go(5)
    say(slip, "A first word by nobody known.", unsure)
    say(slip, "Mind the gangplank, and the bollard.", guest("Termann"))
    say(slip, "You scoundrel of a bilge rat.", guest("Lister"))
    say(slip, "At the mooring.", guest("Topica"))
    say(council, "Weigh anchor!", guest("Ankerli"))
    say(council, "See http://www.shop1.example/x for it.", guest("Domenico"))
    say(council, "Hello there, all of you.", guest("Best of Deals"))
    say(council, "One https://a.example two https://b.example three https://c.example.", guest("Linus"))
    twin = say(council, "This very sentence is said twice, and it is long enough.", ruth)
    say(slip, "This very sentence is said twice, and it is long enough.", guest("Echo"))
    say(slip, "This very sentence is said twice, and it is long enough?! 7", guest("Nearly"))
    say(slip, "…!!!", guest("Dotty"))
    say(old, "Does anybody still read this?", guest("Late Lena"))
    say(slip, "You are a stupid moron and I will kill you, you idiot.", guest("Angry Anna"))
    say(
        slip,
        "Call my neighbour at +47 22 33 44 55 or jane.doe@example.com, 12 Harbour Street.",
        guest("Tattler"),
    )
    say(slip, "Это слово сказано по-русски, о лодках.", guest("Олег"))
    sanctions.impose(person=Person(user=rita), kind="review", reason="other", actor=mona, message="Sorry.")
    say(slip, "I am reviewed first.", rita)
    quick_actions.apply_quick_action(name="review", article=first.pk, actor=mona)
    say(first, "All is read first here.", ruth)
    for n in range(12):
        text = f"Cheap harbour tours {n}: call now, the best tours in town, https://tours{n % 2}.example/go"
        say([slip, council, old][n % 3], text, guest(f"Tour Seller {n}", confirmed=False), ip="198.51.100.77")
    for n in range(6):
        say(
            council,
            "Great post, thanks for sharing this amazing information!",
            guest(f"Praise {n}", confirmed=False),
        )

    # A thread with all that can be in one
    go(3)
    article("News of this week", 0, body="There is news of the ferry, the pier and the harbour.").topics.set(
        [boats]
    )
    root = say(slip, "I *learnt* to sail here.\n\n> a quote\n\nhttps://example.org/page", rolf)
    reply = say(slip, "So did I.", paula, parent=root)
    deep = say(slip, "And I did not.", ruth, parent=reply)
    loose = say(slip, "This belongs further up.", ruth)
    own = say(slip, "Greta’s word on the slip.", greta)
    lines = [say(slip, f"A reply with the number {n}.", bert, parent=own) for n in range(3)]
    edited = say(slip, "A word to be edidet.", paula)
    edit_comment(comment=edited, body="A word that was edited.", user=paula, guest=None)
    gone, kept = (
        say(slip, "I take this back.", paula),
        say(slip, "I take this back, but for its reply.", bert),
    )
    say(slip, "A reply to what is gone.", rolf, parent=kept)
    delete_comment(comment=gone, user=paula, guest=None)
    delete_comment(comment=kept, user=bert, guest=None)
    approve(*(one for one in (root, reply, deep, loose, own, *lines, edited) if one.state == State.PENDING))
    for n, who in enumerate((ruth, paula, bert)):
        recommend(comment=root, user=who, given=True)
        recommend(comment=[deep, own, reply][n], user=who if who != ruth else rolf, given=True)
    recommend(comment=root, guest=greta, given=True)
    recommend(comment=reply, guest=greta, given=True)
    recommend(comment=reply, guest=greta, given=False)
    count_recommendations.call()
    move_comment(comment=loose, parent=root, actor=None)
    decisions.move(comment=loose, parent=reply, actor=mona)
    decisions.undo(batch=decisions.move(comment=lines[0], parent=root, actor=omar), actor=mona)
    quick_actions.set_editors_pick(comment=root, is_pick=True, actor=emil)
    decisions.undo(batch=quick_actions.set_editors_pick(comment=reply, is_pick=True, actor=emil), actor=emil)
    quick_actions.lock_replies(comment=own, is_locked=True, actor=mona)
    own.refresh_from_db()
    quick_actions.redact(comment=deep, marked="And I [[did not]].", actor=mona)
    again = say(council, "This very sentence is said twice, and it is long enough!", greta)
    quick_actions.remove_as_duplicate(comment=again, of=twin, actor=mona)
    removed = {}
    for reason in ("off_topic", "insult", "name", "text_missing", "other", "rude_tone", "spam"):
        removed[f"removed_{reason}"] = say(council, f"I go because of {reason}, they say.", rolf)
        remove(reason, removed[f"removed_{reason}"], by=omar)
    batch = remove("off_topic", *(say(council, f"Off and on again, {n}.", paula) for n in range(3)))
    decisions.undo(batch=decisions.undo(batch=batch, actor=mona).batch, actor=omar)
    decisions.undo(batch=remove("insult", say(council, "Removed and back.", paula)), actor=mona)
    quick_actions.apply_quick_action(name="close", article=closed.pk, actor=mona)
    say(unseen, "Nobody can read this.", ruth)
    quick_actions.apply_quick_action(name="hide", article=unseen.pk, actor=mona)
    decisions.undo(batch=quick_actions.apply_quick_action(name="close", article=None, actor=ada), actor=ada)
    say(mine, "Among members.", ruth)

    # Reports, other looks, requests for removal
    about = "spam abuse off_topic other agreed dismissed illegal child self closed edited "
    about += "look look2 look3 rude_own rude_own2"
    words = {name: say(council, f"A sentence about {name}, of the harbour.", ruth) for name in about.split()}
    approve(*(one for one in words.values() if one.state == "pending"))
    for why in ("spam", "abuse", "off_topic", "other"):
        reports.report_comment(
            comment=words[why], user=bert, guest=None, why=why, details="Look at it, please."
        )
        reports.report_comment(comment=words[why], user=None, guest=greta, why=why, details="")
    reports.report_comment(comment=words["spam"], user=None, guest=unsure, why="other", details="So think I.")
    for name in ("agreed", "dismissed"):
        reports.report_comment(comment=words[name], user=bert, guest=None, why="abuse", details="It hurts.")
        reports.report_comment(comment=words[name], user=None, guest=greta, why="spam", details="")
    remove("insult", words["agreed"])
    approve(words["dismissed"])
    reports.report_illegal_content(
        comment=words["illegal"], why="It is a libel.", name="Lea Law", email="lea@example.com"
    )
    reports.report_illegal_content(comment=words["child"], why="It shows a child.", is_child_abuse=True)
    reports.report_illegal_content(
        comment=words["closed"], why="Forbidden.", name="Lea Law", email="lea@example.com"
    )
    remove("other", words["closed"])
    for name in ("look", "look2", "look3", "edited", "rude_own", "rude_own2"):
        remove("off_topic", words[name], by=omar)
        words[name].refresh_from_db()
    for name in ("look", "look2", "look3"):
        reports.appeal_removal(comment=words[name], user=ruth, guest=None, text="It was on the subject.")
    approve(words["look2"])
    remove("off_topic", words["look3"])
    reports.edit_and_resubmit(
        comment=words["edited"], body="A better sentence, of the harbour.", user=ruth, guest=None
    )
    assert Appeal.objects.count() == 4
    told = {
        "passage": "My name.",
        "reason": "It is mine.",
        "name": "Petra",
        "email": "petra@example.com",
        "role": "subject",
    }
    removal_requests.send_request(article=slip, comment=None, requested_action="remove", **told)
    removal_requests.send_request(
        article=council, comment=words["self"], requested_action="correct", **told | {"role": "agent"}
    )
    for outcome in ("done", "corrected", "refused"):
        asked = removal_requests.send_request(
            article=slip, comment=None, requested_action="remove", **told | {"role": "author"}
        )
        removal_requests.answer(request=asked, outcome=outcome, text="So we decided.", actor=ada)

    # People: every kind of sanction, active, ended, undone, asked about; notes
    def hold(who: Any, kind: str, **more: Any) -> Any:
        person = Person(guest=who) if isinstance(who, Guest) else Person(user=who)
        return sanctions.impose(
            person=person, kind=kind, reason="insult", actor=mona, message="Be kind.", **more
        )

    wasp = [guest(f"Wasp {n}") for n in range(9)]
    for n, kind in enumerate(("warn", "review", "pause", "ban")):
        until = timezone.now() + timedelta(days=90) if kind == "pause" else None
        hold(wasp[n], kind, until=until)
        hold(wasp[n + 4], kind, until=until)
        sanctions.end(sanction=wasp[n + 4].sanctions.get(), actor=mona)
    decisions.undo(batch=hold(wasp[8], "ban"), actor=mona)
    hold(wasp[8], "pause", until=timezone.now() + timedelta(hours=2))
    say(council, "A last word before I was banned.", bert)
    hold(bert, "ban", days=7)
    hold(wanda, "warn")
    hold(paula, "pause", until=timezone.now() + timedelta(days=60))
    sanctions.appeal(sanction=paula.sanctions.get(), text="I did nothing.")
    sanctions.appeal(sanction=rita.sanctions.get(), text="Why me?")
    sanctions.uphold(sanction=rita.sanctions.get())
    add_note(text="Writes well.", by=mona, user=rolf)
    add_note(text="Same style as Gus.", by=omar, guest=greta)
    add_note(text="Ask Emil.", by=mona, comment=words["look"])

    # What is restricted
    secret = {
        name: say(old, f"What must not be seen: {name}, harbour.", gus)
        for name in ("open", "held", "lifted", "erased", "order", "other")
    }
    for why, name in zip(
        ("personal", "child_abuse", "personal", "child", "court", "other"), secret, strict=True
    ):
        restrictions.restrict(ids=[secret[name].pk], why=why, actor=mona, is_legal_hold=name == "order")
    found = {name: secret[name].restrictions.get() for name in secret}
    restrictions.set_legal_hold(restriction=found["other"], is_legal_hold=True, actor=ada)
    restrictions.lift(restriction=found["lifted"], actor=ada)
    restrictions.purge_text(restriction=found["erased"], actor=ada)
    read_texts([found["open"]], by=ada)
    by_kid = say(old, "I am eight years old.", kid)
    restrictions.restrict(ids=[by_kid.pk], why="child", actor=ada)
    purge.blank_person(person=Person(user=kid), actor=ada)

    # Permanently deleted; the list of another deletion waits
    go(2)
    group = purge.make_list(states=["spam"], days=30, actor=ada)
    assert group
    purge.purge_list(group=group, actor=ada)
    purge.make_list(states=["rejected", "spam"], days=10, actor=ada)

    # Groups of similar comments: one accepted, one in part, one undone
    scan.run_scan()
    groups = sorted(pages.open_groups(mona), key=lambda one: (one.kind, -one.size, str(one.pk)))
    print("groups:", [(one.kind, one.size) for one in groups])
    kinds = {one.kind: one for one in groups}
    for n, one in enumerate(kinds.values()):
        if n == 0 and len(kinds) > 2:
            decide_group(group=one, to=State.SPAM, reason="spam", actor=mona)
        if n == 1 and len(kinds) > 3:
            done = decide_group(group=one, to=State.SPAM, reason="spam", actor=omar)
            if done.batch:
                decisions.undo(batch=done.batch, actor=omar)
    replay.gather_matches(rules.versions(term.pk)[0])

    # Second opinions
    decided = Batch.objects.filter(kind="decision", actor=omar, to_state="rejected").order_by("at")
    for n, batch in enumerate(decided[:4]):
        comment = Comment.objects.get(pk=batch_comment(batch))
        opinion = SecondOpinion.objects.create(comment=comment, first=batch)
        if n > 1:
            opinion.actor, opinion.given_at = mona, timezone.now()
            opinion.to_state = ["published", "rejected"][n % 2]
            opinion.save()

    rule("rate", "9/90")

    # The last words; a case that a colleague holds
    go(0)
    say(slip, "What waits since this morning.", guest("Morning Mary"))
    ruths = say(council, "Ruth’s last word.", ruth)
    Case.objects.filter(comment=say(slip, "Omar reads this.", guest("Held Hilda"))).update(
        claimed_by=omar, claimed_until=START + timedelta(days=1)
    )
    for ran in run_due_jobs():
        print(ran.name, ran.result, ran.error)
    scan.run_scan()
    go(0, -1)  # an hour later all mails are due
    manage("db_worker", "--batch", "--queue-name", "*", "--no-reload")
    sample.path(home).unlink()
    named = (
        words
        | removed
        | {
            "root": root,
            "reply": reply,
            "redacted": deep,
            "deep": edited,
            "loose": loose,
            "own": own,
            "again": again,
            "line1": lines[1],
            "line2": lines[2],
            "gone": gone,
            "kept": kept,
            "twin": twin,
            "mine": ruths,
        }
    )
    named |= {f"restricted-{name}": one for name, one in secret.items()}
    named |= {
        f"waiting{n}": one for n, one in enumerate(Comment.objects.filter(state="pending").order_by("pk"))
    }
    named |= {
        f"brought{n}": one for n, one in enumerate(Comment.objects.exclude(source="").order_by("pk")[::60])
    }
    slugs = dict(Article.objects.values_list("pk", "slug"))
    print(
        {state: Comment.objects.filter(state=state).count() for state in State.values},
        CommentGroup.objects.count(),
        "groups",
    )
    return {
        "comments": {name: (one.pk, slugs[one.discussion_id]) for name, one in named.items()},
        "stories": {slug: pk for pk, slug in slugs.items()},
        "users": {user.name: user.pk for user in User.objects.exclude(name="").order_by("pk")},
        "persons": {
            "gus": f"g{gus.pk}",
            "greta": f"g{greta.pk}",
            "rolf": f"u{rolf.pk}",
            "paula": f"u{paula.pk}",
            "kim": f"u{kid.pk}",
            "name": f"i{named['brought1'].pk}",
        }
        | {f"wasp{n}": f"g{one.pk}" for n, one in enumerate(wasp)},
        "requests": list(RemovalRequest.objects.order_by("pk").values_list("pk", flat=True)),
        "group": str(max(pages.open_groups(mona), key=lambda one: one.size).pk),
        "rule": term.pk,
        "root_body": root.body,
    }


ROLES = ("reader", "moderator", "editor", "administrator")


def batch_comment(batch: Any) -> int:
    from comments.models import Transition

    return int(Transition.objects.filter(batch=batch.pk).values_list("comment", flat=True)[0])


def note(backup: Path, told: dict[str, Any]) -> None:
    """Write who may log in and which UUIDs are stored and so appear in responses."""
    from django.core import signing
    from django.db import connection

    from accounts.models import Guest

    uuids: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE udt_name = 'uuid'"
            " AND table_schema = 'public'"
        )
        for table, column in cursor.fetchall():
            cursor.execute(f'SELECT DISTINCT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')
            uuids.update(row[0] for row in cursor.fetchall())
    people = {role: {"email": f"{role}@example.org", "password": f"golden-{role}-2026"} for role in ROLES}
    cookie = signing.dumps(Guest.objects.get(name="Greta").pk, salt="guest")
    told |= {
        "people": people,
        "guest_cookie": cookie,
        "secret": SECRET,
        "start": START.timestamp(),
        "uuids": sorted(uuids),
    }
    backup.with_suffix(".json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
