"""Reports, reports of illegal content and appeals.

Each opens a case for the comment, or joins the open one, and raises its priority in the queues. None of them
hides a comment, however many there are: a moderator decides.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, F, Max, Q, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import RowNumber
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import ADMINISTRATOR, MODERATOR, Guest, User
from comments.models import REMOVED_BY_MODERATION, Comment, State, Transition
from comments.services.discussions import lock_discussions_of
from comments.services.editing import check_resubmission, resubmit_comment
from core.dates.days import DAY_SECONDS
from core.rate_limits import RateLimitError
from moderation import tasks
from moderation.actions import cases
from moderation.models import Appeal, Case, IllegalContentReport, Report
from moderation.notifications.notices import author_options
from moderation.people.profiles import Person

ALREADY_APPEALED = gettext_lazy("You have appealed this decision already.")
MAX_REPORTS_PER_HOUR = 10  # of one person
MAX_APPEALS_PER_DAY = 5  # of one person
RELIABLE_WEIGHT = 1.5  # the report weight from which a person is usually right
RELIABLE_REPORTERS = 3  # this many reliable people raise the priority of a case further
RELIABLE_REPORTERS_HOURS = 24
MAX_REPORTS_SHOWN = 20  # on one card
ILLEGAL_CONTENT_SHOWN = 5  # of the first reports of illegal content on a card, and as many of the last
UNCONFIRMED_WEIGHT = 0.25  # of a guest with an unconfirmed e-mail, since one person can be many of them


@dataclass(frozen=True)
class ReviewRequest:
    """A report or an appeal as a moderator sees it.

    It does not name the person, except for a report of illegal content, which is signed for the moderators.
    """

    kind: str  # "report", "illegal_content", "appeal" or "edit"
    sentence: str  # "Reported as abuse."
    text: str  # what the person wrote; may be empty
    at: datetime
    weight: str  # "usually right", "low weight" or empty
    by: str = ""  # the name given with a report of illegal content; shown to moderators, not to editors


def report_comment(
    *, comment: Comment, user: User | None, guest: Guest | None, why: str, details: str
) -> Report:
    """Report a published comment once, as an account or as a guest.

    Raises ValidationError with a sentence for the reporter. Its code is own, gone, duplicate or rate_limited.
    """
    if comment.is_by(user, guest):
        raise ValidationError(_("This is your own comment. You can delete it instead."), code="own")
    mine = Report.objects.filter(user=user, guest=guest)
    if mine.filter(comment=comment).exists():
        raise ValidationError(
            _("You have already reported this comment. This is your report."), code="duplicate"
        )
    weight = 0 if guest and _is_repeated(comment, guest) else weight_of(user, guest)
    with transaction.atomic():
        Person(user=user, guest=guest).lock()  # so that reports sent at the same moment are counted too
        if mine.filter(at__gt=timezone.now() - timedelta(hours=1)).count() >= MAX_REPORTS_PER_HOUR:
            raise RateLimitError(
                _("You have reported %(n)s comments within an hour. Please try again later.")
                % {"n": MAX_REPORTS_PER_HOUR},
                seconds=60 * 60,
            )
        case = _get_or_open_case(comment, [State.PUBLISHED])
        report, is_new = Report.objects.get_or_create(
            comment=comment,
            user=user,
            guest=guest,
            defaults={"case": case, "why": why, "details": details, "weight": weight},
        )
        if is_new:
            hours = cases.REPORT_HOURS * weight
            reliable = case.reports.filter(weight__gte=RELIABLE_WEIGHT)
            if weight >= RELIABLE_WEIGHT and reliable.count() == RELIABLE_REPORTERS:
                hours += RELIABLE_REPORTERS_HOURS
            _raise_priority(case, hours, is_reported=True)
    return report


def weight_of(user: User | None, guest: Guest | None) -> float:
    """Return the weight of a person's reports: 0.25 if usually wrong, 1 if unknown, up to 2 if usually right.

    It follows from the share of their decided reports whose comments are removed. One right and one wrong
    report are added to it, so that few reports do not weigh too much.
    """
    if guest and not guest.confirmed_at:
        return UNCONFIRMED_WEIGHT
    mine = Report.objects.filter(user=user, guest=guest)
    record = mine.filter(case__closed_at__isnull=False).aggregate(
        right=Count("pk", filter=Q(comment__state__in=REMOVED_BY_MODERATION)),
        wrong=Count("pk", filter=Q(comment__state=State.PUBLISHED)),
    )
    share: float = (record["right"] + 1) / (record["right"] + record["wrong"] + 2)
    return 2 * share if share >= 0.5 else 0.25 + 1.5 * share


def _is_repeated(comment: Comment, guest: Guest) -> bool:
    """Return whether an unconfirmed guest's e-mail has already reported the comment.

    The reporter is not told so: anyone who types an e-mail could find out who reported a comment.
    """
    same = Report.objects.filter(comment=comment, guest__email__iexact=guest.email, guest__confirmed_at=None)
    return guest.confirmed_at is None and same.exists()


def report_illegal_content(
    *, comment: Comment, why: str, name: str = "", email: str = "", is_child_abuse: bool = False
) -> IllegalContentReport:
    """Report a comment as illegal, in good faith. Its case goes to the top of the queues.

    Moderators are mailed at once about the first such report of a case. For child abuse, name and e-mail are
    not stored. Raises ValidationError if the comment is not published any more.
    """
    if is_child_abuse:
        name = email = ""
    with transaction.atomic():
        case = _get_or_open_case(comment, [State.PUBLISHED])
        report = IllegalContentReport.objects.create(
            comment=comment,
            case=case,
            is_child_abuse=is_child_abuse,
            why=why,
            name=name,
            email=email,
            in_good_faith=True,
        )
        if not case.is_reported_illegal:
            _raise_priority(case, cases.ILLEGAL_HOURS, is_reported_illegal=True)
            tasks.notify_moderators.enqueue(report.pk)
        if email:
            tasks.send_receipt.enqueue(report.pk)
    return report


def appeal_removal(*, comment: Comment, user: User | None, guest: Guest | None, text: str) -> Appeal:
    """Appeal the removal of one's own comment, which is possible once. Sending it twice changes nothing.

    Raises ValidationError if it is not possible, with the code "appealed" if the person appealed before.
    """
    with transaction.atomic():
        _lock_author(comment, user, guest)
        if earlier := comment.appeals.filter(is_edit=False).first():
            if earlier.text == text and earlier.case.closed_at is None:
                return earlier
            raise ValidationError(ALREADY_APPEALED, code="appealed")
        _check_appeals_today(user, guest)
        case = _get_or_open_case(comment, REMOVED_BY_MODERATION)
        last = _check_option(comment, "can_appeal")
        appeal = Appeal.objects.create(comment=comment, case=case, appealed_transition=last, text=text)
        _raise_priority(case, cases.APPEAL_HOURS, is_appealed=True)
    return appeal


def edit_and_resubmit(
    *, comment: Comment, body: str, user: User | None, guest: Guest | None, revision: int | None = None
) -> Appeal:
    """Replace the text of one's own removed or pending comment, once. The comment is then pending.

    `revision` is the one that the form showed. Raises ValidationError if that is not allowed, if the text is
    empty, too long, unchanged or refused, or if another text was stored meanwhile (code "changed").
    """
    with transaction.atomic():
        _lock_author(comment, user, guest)
        _check_appeals_today(user, guest)
        _check_option(comment, "can_resubmit")
    findings = check_resubmission(  # without a lock
        comment=comment, body=body, user=user, guest=guest, revision=revision
    )
    with transaction.atomic():
        _lock_author(comment, user, guest)
        _check_appeals_today(user, guest)
        last = _check_option(comment, "can_resubmit")
        fresh = resubmit_comment(comment=comment, body=body, findings=findings)
        case = Case.objects.open().select_for_update().get(comment=fresh)
        appeal = Appeal.objects.create(comment=fresh, is_edit=True, case=case, appealed_transition=last)
        _raise_priority(case, cases.APPEAL_HOURS, is_appealed=True, is_pending=True)
    return appeal


def review_requests(case: Case, user: User) -> list[ReviewRequest]:
    """Return the reports and appeals of a case, the earliest first: one statement for each kind that it has.

    Beyond MAX_REPORTS_SHOWN reports, and ILLEGAL_CONTENT_SHOWN of illegal content, the rest is only counted.
    `user` is the moderator who reads them: an appeal against their own decision says so.
    """
    requests: list[ReviewRequest] = []
    if case.is_reported_illegal:
        requests += _requests_of_illegal_content(case, user)
    if case.is_reported:
        requests += _requests_of_readers(case)
    if case.is_appealed:
        appeals = Appeal.objects.filter(case=case).select_related("appealed_transition", "comment")
        appeals = appeals.annotate(is_for_colleague=Q(case__in=_cases_for_colleagues(user)))
        requests += [
            ReviewRequest(
                "edit" if appeal.is_edit else "appeal",
                _appeal_sentence(appeal, user),
                appeal.text,
                appeal.at,
                "",
            )
            for appeal in appeals
        ]
    return sorted(requests, key=lambda request: request.at)


def _requests_of_illegal_content(case: Case, user: User) -> Iterator[ReviewRequest]:
    for report in _earliest_and_latest_reports(case):
        sentence = (
            _("Reported as illegal: child abuse.")
            if report.is_child_abuse
            else _("Reported as illegal content.")
        )
        by = report.name if user.is_moderator else ""
        yield ReviewRequest("illegal_content", sentence, report.why, report.at, "", by)
        if report.place == ILLEGAL_CONTENT_SHOWN and report.count > 2 * ILLEGAL_CONTENT_SHOWN:
            others = report.count - 2 * ILLEGAL_CONTENT_SHOWN
            more = ngettext("%(n)s more report followed.", "%(n)s more reports followed.", others) % {
                "n": others
            }
            yield ReviewRequest("illegal_content", more, "", report.at, "")


def _requests_of_readers(case: Case) -> Iterator[ReviewRequest]:
    for report in _heaviest_reports(case):
        sentence = _("Reported: %(reason)s.") % {"reason": report.get_why_display()}
        yield ReviewRequest("report", sentence, report.details, report.at, _weight_text(report.weight))
        if report.place == MAX_REPORTS_SHOWN and report.count > MAX_REPORTS_SHOWN:
            more = ngettext(
                "%(n)s more report with at most the same weight.",
                "%(n)s more reports with at most the same weight.",
                report.count - MAX_REPORTS_SHOWN,
            ) % {"n": report.count - MAX_REPORTS_SHOWN}
            yield ReviewRequest("report", more, "", report.latest, "")


def _earliest_and_latest_reports(case: Case) -> Iterable[Any]:
    """Return the first and the last reports of illegal content of a case, so that a flood hides neither.

    Reports of child abuse are counted separately. `place` counts from the first one, `count` is the total.
    """
    same = ["is_child_abuse"]
    return (
        IllegalContentReport.objects.filter(case=case)
        .annotate(
            place=Window(RowNumber(), partition_by=same, order_by=["at", "pk"]),
            back=Window(RowNumber(), partition_by=same, order_by=["-at", "-pk"]),
            count=Window(Count("pk"), partition_by=same),
        )
        .filter(Q(place__lte=ILLEGAL_CONTENT_SHOWN) | Q(back__lte=ILLEGAL_CONTENT_SHOWN))
        .order_by("pk")
    )


def _heaviest_reports(case: Case) -> Iterable[Any]:
    """Return the MAX_REPORTS_SHOWN heaviest reports of a case. `count` and `latest` are of all reports."""
    order = [F("weight").desc(), F("at").asc(), F("pk").asc()]
    return (
        Report.objects.filter(case=case)
        .annotate(
            place=Window(RowNumber(), order_by=order),
            count=Window(Count("pk")),
            latest=Window(Max("at")),
        )
        .filter(place__lte=MAX_REPORTS_SHOWN)
        .order_by("place")
    )


def _appeal_sentence(appeal: Any, user: User) -> str:
    sentence = (
        _("The author edited and resubmitted it.")
        if appeal.is_edit
        else _("The author appeals the decision.")
    )
    if not appeal.is_for_colleague:
        return sentence
    if appeal.comment.author_id == user.pk:
        return _("%(sentence)s It is your own comment, so another moderator answers.") % {
            "sentence": sentence
        }
    if appeal.appealed_transition.actor_id == user.pk:
        return _("%(sentence)s You took the first decision, so another moderator answers.") % {
            "sentence": sentence
        }
    return sentence


# The open cases with an appeal about an own comment or decision of a person that somebody else may answer; as
# SQL, since it is part of each query of a queue and takes Django longer to compose than the rest of it.
APPEALS_FOR_COLLEAGUES = """
SELECT a.case_id FROM moderation_appeal a
JOIN moderation_case k ON k.id = a.case_id
JOIN comments_comment c ON c.id = a.comment_id
JOIN comments_transition t ON t.id = a.against_id
WHERE k.closed_at IS NULL AND (t.actor_id = %s OR c.author_id = %s) AND EXISTS (
  SELECT FROM accounts_user u JOIN accounts_user_groups m ON m.user_id = u.id
  JOIN auth_group g ON g.id = m.group_id
  WHERE g.name = ANY(%s) AND u.is_active AND u.id <> %s AND u.id IS DISTINCT FROM c.author_id)"""


def appeals_for_colleagues(user: User) -> Q:
    """Return a condition for open cases with an appeal that a colleague of this moderator should answer.

    These are appeals about the moderator's own comments and decisions, if there is a colleague.
    """
    # They are found once for all cases: a condition on the comment would join each case with its comment.
    return Q(is_appealed=True) & Q(pk__in=_cases_for_colleagues(user))


def appealed_against(user: User, ids: Iterable[int]) -> set[int]:
    """Return those of these comments whose authors have appealed a decision of this person.

    The person cannot turn the appeal down, but may always restore the comment.
    """
    appeals = Case.objects.open().filter(appeals_for_colleagues(user), comment__in=list(ids))
    return set(appeals.values_list("comment", flat=True))


def _cases_for_colleagues(user: User) -> RawSQL:
    values = [user.pk, user.pk, [MODERATOR, ADMINISTRATOR], user.pk]
    return RawSQL(APPEALS_FOR_COLLEAGUES, values)  # noqa: S611  # a constant


def _get_or_open_case(comment: Comment, states: Sequence[str]) -> Case:
    """Return the open case of a comment, and open one if there is none. Locks the discussion, then the case.

    A decision also locks the discussion first. Raises ValidationError if the comment is in none of `states`.
    """
    lock_discussions_of([comment.pk])
    fresh = Comment.objects.get(pk=comment.pk)
    if fresh.state not in states:
        raise ValidationError(_("A moderator has already decided on this comment."), code="gone")
    cases.create_missing_cases([fresh.pk], states=states)
    return Case.objects.open().select_related("comment").select_for_update(of=("self",)).get(comment=fresh)


def _raise_priority(case: Case, hours: float, **flags: bool) -> None:
    Case.objects.filter(pk=case.pk).update(due_at=F("due_at") - timedelta(hours=hours), **flags)


def _lock_author(comment: Comment, user: User | None, guest: Guest | None) -> None:
    """Lock the account or guest, so that appeals sent at the same moment are counted too.

    Raises ValidationError if the comment is not their own.
    """
    if not comment.is_by(user, guest):
        raise ValidationError(_("Only the author of a comment can do this."), code="own")
    Person(user=user, guest=guest).lock()


def _check_appeals_today(user: User | None, guest: Guest | None) -> None:
    """Raise RateLimitError if the person has appealed too often today."""
    own = Appeal.objects.filter(comment__in=Comment.objects.written_by(user, guest))
    if own.filter(at__gt=timezone.now() - timedelta(days=1)).count() >= MAX_APPEALS_PER_DAY:
        raise RateLimitError(
            _("You have sent many appeals today. Please try again tomorrow."), seconds=DAY_SECONDS
        )


def _check_option(comment: Comment, option: str) -> Transition:
    """Return the last transition of the comment's state.

    `option`: a field of AuthorOptions. Raises ValidationError if the author does not have this option
    (any more).
    """
    fresh = Comment.objects.get(pk=comment.pk)
    last = fresh.transitions.filter(kind=Transition.Kind.STATE).order_by("-id").first()
    if last is None or not getattr(author_options(fresh, last, list(fresh.appeals.all())), option):
        raise ValidationError(_("You can’t do this any more."), code="once")
    return last


def _weight_text(weight: float) -> str:
    if weight >= RELIABLE_WEIGHT:
        return _("usually right")
    return _("low weight") if weight <= 0.5 else ""
