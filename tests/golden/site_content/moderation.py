"""Choose a filter, and create rules, reports, appeals, sanctions, restrictions and second opinions."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Guest, User
from comments.models import Comment, State, Transition
from config.scheduler.runner import run_due_jobs
from moderation.actions import decisions
from moderation.erasure import purge, restrictions
from moderation.erasure.restricted_content import read_texts
from moderation.models import Action, Appeal, FilterVersion, Rule, SecondOpinion
from moderation.people import sanctions
from moderation.people.profiles import Person, add_note
from moderation.reports import removal_requests
from moderation.reports import reporting as reports
from moderation.rules import active_rules as rules
from moderation.rules.matching import RuleDefinition
from moderation.similar import pages, scan
from moderation.similar.decisions import decide_group
from moderation.spam_filter import versions
from site_content.comments import Comments, approve, post, remove
from site_content.people import People, create_guest
from site_content.stories import Stories, Topics


def choose_filter(people: People) -> None:
    learnt = FilterVersion.objects.filter(kind="learnt").first()
    action = versions.activate(version=None, actor=people.ada)
    decisions.undo(action=action, actor=people.ada)
    versions.set_false_positive_limit(percent=2.0, actor=people.ada)
    if learnt:
        versions.activate(version=learnt, actor=people.ada)


def save_rule(people: People, kind: str, value: str, replaces: Rule | None = None, **fields: Any) -> Rule:
    rule = RuleDefinition(pk=None, kind=kind, value=value, **fields)
    saved, _action = rules.save(rule=rule, note=f"A note on {value}", actor=people.mona, replaces=replaces)
    return saved


def create_rules(people: People, stories: Stories, topics: Topics) -> Rule:
    """Create a rule of every kind but the rate. Return the first version of one that was replaced."""
    term = save_rule(people, "term", "gangway")
    save_rule(people, "term", "gangplank", replaces=term)
    save_rule(people, "term", "bollard", holds=False)
    save_rule(people, "term", "mooring", topic=topics.boats.pk)
    save_rule(people, "term", "anchor", article=stories.council.pk)
    save_rule(people, "list", "bad-words.txt", terms="scoundrel\nlandlubber\nbilge rat")
    save_rule(people, "domain", "shop1.example")
    save_rule(people, "name", "best.*deals")
    save_rule(people, "links", "2")
    save_rule(people, "age", "110")
    rules.switch(rule=save_rule(people, "term", "unused"), on=False, actor=people.omar)
    save_rule(people, "term", "undone")
    decisions.undo(action=Action.objects.filter(kind="rule").latest("at"), actor=people.omar)
    return term


def create_reported_comments(people: People, stories: Stories) -> Comments:
    names = "spam abuse off_topic other agreed dismissed illegal child self closed edited "
    names += "look look2 look3 rude_own rude_own2"
    reported = {
        name: post(stories.council, f"A sentence about {name}, of the harbour.", people.ruth)
        for name in names.split()
    }
    approve(people.mona, *(comment for comment in reported.values() if comment.state == State.PENDING))
    return reported


def report_comments(people: People, reported: Comments) -> None:
    """Report comments for every reason, agree with some reports, and dismiss some."""
    report, bert, greta = reports.report_comment, people.bert, people.greta
    for why in ("spam", "abuse", "off_topic", "other"):
        report(comment=reported[why], user=bert, guest=None, why=why, details="Look at it, please.")
        report(comment=reported[why], user=None, guest=greta, why=why, details="")
    report(comment=reported["spam"], user=None, guest=people.ulla, why="other", details="So think I.")
    for name in ("agreed", "dismissed"):
        report(comment=reported[name], user=bert, guest=None, why="abuse", details="It hurts.")
        report(comment=reported[name], user=None, guest=greta, why="spam", details="")
    remove(people.mona, "insult", reported["agreed"])
    approve(people.mona, reported["dismissed"])
    lea = {"name": "Lea Law", "email": "lea@example.com"}
    reports.report_illegal_content(comment=reported["illegal"], why="It is a libel.", **lea)
    reports.report_illegal_content(comment=reported["child"], why="It shows a child.", is_child_abuse=True)
    reports.report_illegal_content(comment=reported["closed"], why="Forbidden.", **lea)
    remove(people.mona, "other", reported["closed"])


def appeal_removals(people: People, reported: Comments) -> None:
    for name in ("look", "look2", "look3", "edited", "rude_own", "rude_own2"):
        remove(people.omar, "off_topic", reported[name])
        reported[name].refresh_from_db()
    for name in ("look", "look2", "look3"):
        reports.appeal_removal(
            comment=reported[name], user=people.ruth, guest=None, text="It was on the subject."
        )
    approve(people.mona, reported["look2"])
    remove(people.mona, "off_topic", reported["look3"])
    reports.edit_and_resubmit(
        comment=reported["edited"], body="A better sentence, of the harbour.", user=people.ruth, guest=None
    )
    assert Appeal.objects.count() == 4


def request_removals(people: People, stories: Stories, reported: Comments) -> None:
    request = {"passage": "My name.", "reason": "It is mine.", "name": "Petra", "email": "petra@example.com"}
    removal_requests.send_request(
        article=stories.slip, comment=None, requested_action="remove", role="subject", **request
    )
    removal_requests.send_request(
        article=stories.council,
        comment=reported["self"],
        requested_action="correct",
        role="agent",
        **request,
    )
    for outcome in ("done", "corrected", "refused"):
        sent = removal_requests.send_request(
            article=stories.slip, comment=None, requested_action="remove", role="author", **request
        )
        removal_requests.answer(
            removal_request=sent, outcome=outcome, text="So we decided.", actor=people.ada
        )


def impose_sanctions(people: People, stories: Stories) -> list[Guest]:
    """Impose sanctions of every kind, end, undo and appeal some. Return nine guests who have one."""
    mona = people.mona

    def impose(who: User | Guest, kind: str, **more: Any) -> Action:
        person = Person(guest=who) if isinstance(who, Guest) else Person(user=who)
        return sanctions.impose(
            person=person, kind=kind, reason="insult", actor=mona, message="Be kind.", **more
        )

    wasps = [create_guest(f"Wasp {n}") for n in range(9)]
    for n, kind in enumerate(("warn", "review", "pause", "ban")):
        until = timezone.now() + timedelta(days=90) if kind == "pause" else None
        impose(wasps[n], kind, until=until)
        impose(wasps[n + 4], kind, until=until)
        sanctions.end(sanction=wasps[n + 4].sanctions.get(), actor=mona)
    decisions.undo(action=impose(wasps[8], "ban"), actor=mona)
    impose(wasps[8], "pause", until=timezone.now() + timedelta(hours=2))
    post(stories.council, "A last word before I was banned.", people.bert)
    impose(people.bert, "ban", days=7)
    impose(people.wanda, "warn")
    impose(people.paula, "pause", until=timezone.now() + timedelta(days=60))
    sanctions.appeal(sanction=people.paula.sanctions.get(), text="I did nothing.")
    sanctions.appeal(sanction=people.rita.sanctions.get(), text="Why me?")
    sanctions.uphold(sanction=people.rita.sanctions.get())
    return wasps


def add_notes(people: People, reported: Comments) -> None:
    add_note(text="Writes well.", by=people.mona, user=people.rolf)
    add_note(text="Same style as Gus.", by=people.omar, guest=people.greta)
    add_note(text="Ask Emil.", by=people.mona, comment=reported["look"])


def restrict_comments(people: People, stories: Stories) -> Comments:
    ada = people.ada
    reasons = {
        "open": "personal",
        "held": "child_abuse",
        "lifted": "personal",
        "erased": "child",
        "order": "court",
        "other": "other",
    }
    comments = {
        name: post(stories.old, f"What must not be seen: {name}, harbour.", people.gus) for name in reasons
    }
    for name, why in reasons.items():
        restrictions.restrict(
            ids=[comments[name].pk], why=why, actor=people.mona, is_legal_hold=name == "order"
        )
    found = {name: comment.restrictions.get() for name, comment in comments.items()}
    restrictions.set_legal_hold(restriction=found["other"], is_legal_hold=True, actor=ada)
    restrictions.lift(restriction=found["lifted"], actor=ada)
    restrictions.purge_text(restriction=found["erased"], actor=ada)
    read_texts([found["open"]], by=ada)
    return comments


def erase_child(people: People, stories: Stories) -> None:
    comment = post(stories.old, "I am eight years old.", people.kim)
    restrictions.restrict(ids=[comment.pk], why="child", actor=people.ada)
    purge.erase_person(person=Person(user=people.kim), actor=people.ada)


def purge_comments(people: People) -> None:
    """Delete old spam permanently. The list of another deletion waits."""
    group = purge.make_list(states=["spam"], days=30, actor=people.ada)
    assert group
    purge.purge_list(group=group, actor=people.ada)
    purge.make_list(states=["rejected", "spam"], days=10, actor=people.ada)


def decide_groups(people: People) -> None:
    """Find groups of similar comments. Decide on a group, and undo the decision on another one."""
    scan.run_scan()
    groups = sorted(pages.open_groups(people.mona), key=lambda one: (one.kind, -one.size, str(one.pk)))
    print("groups:", [(group.kind, group.size) for group in groups])
    by_kind = {group.kind: group for group in groups}
    for n, group in enumerate(by_kind.values()):
        if n == 0 and len(by_kind) > 2:
            decide_group(group=group, to=State.SPAM, reason="spam", actor=people.mona)
        if n == 1 and len(by_kind) > 3:
            done = decide_group(group=group, to=State.SPAM, reason="spam", actor=people.omar)
            if done.action:
                decisions.undo(action=done.action, actor=people.omar)


def give_second_opinions(people: People) -> None:
    """Ask for four second opinions, and give two of them."""
    decided = Action.objects.filter(kind="decision", actor=people.omar, to_state="rejected").order_by("at")
    for n, action in enumerate(decided[:4]):
        number = Transition.objects.filter(action_id=action.pk).values_list("comment", flat=True)[0]
        opinion = SecondOpinion.objects.create(comment=Comment.objects.get(pk=number), first_action=action)
        if n > 1:
            opinion.actor, opinion.answered_at = people.mona, timezone.now()
            opinion.to_state = ["published", "rejected"][n % 2]
            opinion.save()


def run_scheduled_jobs() -> None:
    for ran in run_due_jobs():
        print(ran.name, ran.result, ran.error)
    scan.run_scan()
