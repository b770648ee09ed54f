"""What readers and authors ask of the moderators: reports, reports of illegal content, another look.

Each opens the comment's case or joins the open one, and moves it forward in the queues. Nothing here takes
anything away from readers: that is for a person to decide, however many ask for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Guest, User
from comments.edits import examine_again, send_again
from comments.models import REMOVED, Comment, State, Transition
from comments.services import lock
from core.rate_limits import TooOften
from moderation import tasks
from moderation.actions import cases
from moderation.models import Appeal, Case, Notice, Report
from moderation.notifications.notices import ways
from moderation.people.profiles import Person

REPORTS_AN_HOUR = 10  # by one person
LOOKS_A_DAY = 5  # asked for by one person
RIGHT = 1.5  # the weight from which somebody is usually right
TOGETHER = 3  # such people, whose reports raise a case further
TOGETHER_HOURS = 24
SHOWN = 20  # reports of one case that a card says one by one
NOTICED = 5  # of the reports of illegal content: so many of the first, and of the last
UNPROVED = 0.25  # the weight of a guest whose e-mail nobody confirmed: as many as one likes are soon made


@dataclass(frozen=True)
class Asked:
    """One thing that somebody asked about a comment, as a moderator reads it. It never says who asked, unless
    it is a report of illegal content, which is given with a name for the moderators."""

    kind: str  # "report", "notice", "look" or "edit"
    sentence: str  # "Reported as abuse."
    words: str  # the person's own; may be empty
    at: datetime
    weight: str  # "usually right", "weighs little" or nothing
    by: str = ""  # the name that was given with a notice; for moderators, not for a story's editors


def report_comment(
    *, comment: Comment, user: User | None, guest: Guest | None, why: str, words: str
) -> Report:
    """Report a published comment, as exactly one of user and guest, once.

    Raises ValidationError with a sentence for the reporter; its code is own, gone, again or often.
    """
    if comment.is_by(user, guest):
        raise ValidationError(_("You wrote this comment yourself. You can delete it instead."), code="own")
    mine = Report.objects.filter(user=user) if user else Report.objects.filter(guest=guest)
    if mine.filter(comment=comment).exists():
        raise ValidationError(_("You have reported this comment already. Your report is here."), code="again")
    weight = 0 if guest and _is_repeated(comment, guest) else weight_of(user, guest)
    with transaction.atomic():
        Person(user=user, guest=guest).lock()  # so that what is sent at once is counted as well
        if mine.filter(at__gt=timezone.now() - timedelta(hours=1)).count() >= REPORTS_AN_HOUR:
            raise TooOften(
                _("You have reported %(n)s comments within an hour. Please go on a little later.")
                % {"n": REPORTS_AN_HOUR},
                seconds=60 * 60,
            )
        case = _case_of(comment, [State.PUBLISHED])
        report, is_new = Report.objects.get_or_create(
            comment=comment,
            user=user,
            guest=guest,
            defaults={"case": case, "why": why, "words": words, "weight": weight},
        )
        if is_new:
            hours = cases.REPORT_HOURS * weight
            if weight >= RIGHT and case.reports.filter(weight__gte=RIGHT).count() == TOGETHER:
                hours += TOGETHER_HOURS
            _bring_forward(case, hours, is_reported=True)
    return report


def weight_of(user: User | None, guest: Guest | None) -> float:
    """0.25 for those who are usually wrong, 1 for those of whom nothing is known, up to 2 for those who are
    usually right: by the share of their decided reports whose comments are removed, with two added of which
    one was right."""
    if guest and not guest.confirmed_at:
        return UNPROVED
    mine = Report.objects.filter(user=user) if user else Report.objects.filter(guest=guest)
    record = mine.filter(case__closed_at__isnull=False).aggregate(
        right=Count("pk", filter=Q(comment__state__in=REMOVED)),
        wrong=Count("pk", filter=Q(comment__state=State.PUBLISHED)),
    )
    share: float = (record["right"] + 1) / (record["right"] + record["wrong"] + 2)
    return 2 * share if share >= 0.5 else 0.25 + 1.5 * share


def _is_repeated(comment: Comment, guest: Guest) -> bool:
    """Whether a new guest's e-mail has reported it already. That is not said: whoever types an e-mail would
    learn who reported a comment."""
    same = Report.objects.filter(comment=comment, guest__email__iexact=guest.email, guest__confirmed_at=None)
    return guest.confirmed_at is None and same.exists()


def give_notice(
    *, comment: Comment, why: str, name: str = "", email: str = "", is_child_abuse: bool = False
) -> Notice:
    """Report a comment as illegal, in good faith; it goes before everything else.

    The first one of a case is told to the moderators at once. Name and e-mail are not kept where it is about
    the abuse of a child. Raises ValidationError where the comment is gone.
    """
    if is_child_abuse:
        name = email = ""
    with transaction.atomic():
        case = _case_of(comment, [State.PUBLISHED])
        notice = Notice.objects.create(
            comment=comment,
            case=case,
            is_child_abuse=is_child_abuse,
            why=why,
            name=name,
            email=email,
            in_good_faith=True,
        )
        if not case.is_illegal:
            _bring_forward(case, cases.ILLEGAL_HOURS, is_illegal=True)
            tasks.tell_moderators.enqueue(notice.pk)
        if email:
            tasks.send_receipt.enqueue(notice.pk)
    return notice


def ask_for_a_look(*, comment: Comment, user: User | None, guest: Guest | None, words: str) -> Appeal:
    """An author asks for another look at a removed comment, once. Raises ValidationError if they may not."""
    with transaction.atomic():
        _check_author(comment, user, guest)
        case = _case_of(comment, REMOVED)
        last = _may(comment, "ask")
        appeal = Appeal.objects.create(
            comment=comment, case=case, revision=case.comment.revision, against=last, words=words
        )
        _bring_forward(case, cases.APPEAL_HOURS, is_second_look=True)
    return appeal


def edit_and_send_again(*, comment: Comment, body: str, user: User | None, guest: Guest | None) -> Appeal:
    """An author sends another text of a removed or held comment, once; it waits for somebody to read it.

    Raises ValidationError: not allowed (any more), text empty, too long or unchanged, or refused.
    """
    with transaction.atomic():
        _check_author(comment, user, guest)
        _may(comment, "send_again")
    findings = examine_again(comment=comment, body=body, user=user, guest=guest)  # with nobody locked
    with transaction.atomic():
        _check_author(comment, user, guest)
        last = _may(comment, "send_again")
        fresh = send_again(comment=comment, body=body, findings=findings)
        case = Case.objects.open().select_for_update().get(comment=fresh)
        appeal = Appeal.objects.create(
            comment=fresh, is_edit=True, case=case, revision=fresh.revision, against=last
        )
        _bring_forward(case, cases.APPEAL_HOURS, is_second_look=True, is_waiting=True)
    return appeal


def asked(case_ids: Sequence[int], user: User | None = None) -> dict[int, list[Asked]]:
    """By case, what was asked about its comment since it was opened, the earliest first, in at most four
    statements. Of more than SHOWN reports, and of many notices, the rest is counted.

    `user`: the moderator who reads it, who is told where a decision of theirs is in question.
    """
    ids = list(case_ids)
    said: dict[int, list[Asked]] = defaultdict(list)
    for notice in _earliest_and_latest(ids):
        sentence = (
            _("Reported as illegal: it shows the abuse of a child.")
            if notice.is_child_abuse
            else _("Reported as illegal content.")
        )
        by = notice.name if user and user.is_moderator else ""
        said[notice.case_id].append(Asked("notice", sentence, notice.why, notice.at, "", by))
        if notice.place == NOTICED and notice.count > 2 * NOTICED:
            left = notice.count - 2 * NOTICED
            more = ngettext("%(n)s more came after it.", "%(n)s more came after it.", left) % {"n": left}
            said[notice.case_id].append(Asked("notice", more, "", notice.at, ""))
    for report in _heaviest(ids):
        sentence = _("Reported: %(reason)s.") % {"reason": report.get_why_display()}
        said[report.case_id].append(
            Asked("report", sentence, report.words, report.at, _weight_in_words(report.weight))
        )
        if report.place == SHOWN and report.count > SHOWN:
            more = ngettext(
                "%(n)s more report weighs no more than these.",
                "%(n)s more reports weigh no more than these.",
                report.count - SHOWN,
            ) % {"n": report.count - SHOWN}
            said[report.case_id].append(Asked("report", more, "", report.latest, ""))
    appeals = Appeal.objects.filter(case__in=ids).select_related("against", "comment")
    if user:
        appeals = appeals.annotate(could_others=Exists(_others(user, "comment__author")))
    for appeal in appeals:
        kind = "edit" if appeal.is_edit else "look"
        said[appeal.case_id].append(Asked(kind, _of_appeal(appeal, user), appeal.words, appeal.at, ""))
    return {case: sorted(things, key=lambda thing: thing.at) for case, things in said.items()}


def _earliest_and_latest(case_ids: Sequence[int]) -> Iterable[Any]:
    """The first and the last NOTICED notices of each case, those of child abuse by themselves: whoever sends
    hundreds hides none of them. `place` is counted from the first, `count` is of all there are."""
    same = ["case", "is_child_abuse"]
    return (
        Notice.objects.filter(case__in=case_ids)
        .annotate(
            place=Window(RowNumber(), partition_by=same, order_by=["at", "pk"]),
            back=Window(RowNumber(), partition_by=same, order_by=["-at", "-pk"]),
            count=Window(Count("pk"), partition_by=same),
        )
        .filter(Q(place__lte=NOTICED) | Q(back__lte=NOTICED))
        .order_by("pk")
    )


def _heaviest(case_ids: Sequence[int]) -> Iterable[Any]:
    """The SHOWN reports of each case that weigh most; `count` and `latest` are of all there are."""
    order = [F("weight").desc(), F("at").asc(), F("pk").asc()]
    return (
        Report.objects.filter(case__in=case_ids)
        .annotate(
            place=Window(RowNumber(), partition_by="case", order_by=order),
            count=Window(Count("pk"), partition_by="case"),
            latest=Window(Max("at"), partition_by="case"),
        )
        .filter(place__lte=SHOWN)
        .order_by("case", "place")
    )


def _of_appeal(appeal: Any, user: User | None) -> str:
    sentence = (
        _("Its author changed it after it was held or removed, and sent it again.")
        if appeal.is_edit
        else _("Its author asks for another look.")
    )
    if user is None or not appeal.could_others:
        return sentence
    if appeal.comment.author_id == user.pk:
        return _("%(sentence)s It is your own: somebody else answers.") % {"sentence": sentence}
    if appeal.against.actor_id == user.pk:
        return _("%(sentence)s You decided the first time: somebody else answers.") % {"sentence": sentence}
    return sentence


def not_for(user: User) -> Q:
    """Over Case: another look at what this person wrote or decided, as long as somebody else could look."""
    decided = Appeal.objects.filter(case=OuterRef("pk"), against__actor=user)
    own = Q(Exists(decided)) | Q(comment__author=user)
    return Q(own, Exists(_others(user, "comment__author")), is_second_look=True)


def _others(user: User, author: str) -> QuerySet[User]:
    """Colleagues who could take what is not for this person; who wrote it (`author`: the path to them from
    the rows in question) is none of them."""
    deciding = User.objects.moderators().active().exclude(pk=user.pk)
    return deciding.exclude(pk=Coalesce(OuterRef(author), 0))


def _case_of(comment: Comment, states: Sequence[str]) -> Case:
    """The open case of a comment in one of these states, opened if there is none; locked, as is the
    discussion, whose lock whoever decides takes first. Raises ValidationError for another state."""
    lock([comment.pk])
    fresh = Comment.objects.get(pk=comment.pk)
    if fresh.state not in states:
        raise ValidationError(_("Somebody has decided on this comment meanwhile."), code="gone")
    cases.open_cases([fresh.pk], states=states)
    return Case.objects.open().select_related("comment").select_for_update(of=("self",)).get(comment=fresh)


def _bring_forward(case: Case, hours: float, **flags: bool) -> None:
    Case.objects.filter(pk=case.pk).update(due_at=F("due_at") - timedelta(hours=hours), **flags)


def _check_author(comment: Comment, user: User | None, guest: Guest | None) -> None:
    """Locks them, so that what is asked at once is counted as well."""
    if not comment.is_by(user, guest):
        raise ValidationError(_("Only who wrote a comment can do this."), code="own")
    Person(user=user, guest=guest).lock()
    mine = Appeal.objects.filter(comment__in=Comment.objects.written_by(user, guest))
    if mine.filter(at__gt=timezone.now() - timedelta(days=1)).count() >= LOOKS_A_DAY:
        raise TooOften(_("You have asked often today. Please come back tomorrow."), seconds=60 * 60 * 24)


def _may(comment: Comment, way: str) -> Transition:
    """The last line of the log about it. Raises ValidationError where its author may not take this way."""
    fresh = Comment.objects.get(pk=comment.pk)
    last = fresh.transitions.filter(kind=Transition.Kind.STATE).order_by("-id").first()
    if last is None or not getattr(ways(fresh, last, list(fresh.appeals.all())), way):
        raise ValidationError(_("That was possible once, and is not any more."), code="once")
    return last


def _weight_in_words(weight: float) -> str:
    if weight >= RIGHT:
        return _("usually right")
    return _("weighs little") if weight <= 0.5 else ""
