"""Mails to authors about decisions on their comments.

Each mail describes the state at the time of sending.
"""

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from django.core.mail import EmailMessage
from django.db.models import Count, Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.emails import confirmed_email_condition
from articles.models import Site
from articles.site.current_site import read_site
from articles.site.languages import language_of
from comments.following import decision_recipients
from comments.following.mails import stop_path
from comments.following.tokens import follow_token
from comments.models import REMOVED_BY_MODERATION, Comment, Follow, Reason, State, Transition
from core.mail.composition import compose_mail, unsubscribe_headers
from moderation.actions import state_history
from moderation.models import Appeal
from moderation.notifications.decision_kinds import DecisionKind
from moderation.notifications.notices import DecisionNotice, render_notices

MAX_PENDING_MAILS = 3  # pending comments of one author about which mails are sent


def compose_decision_mails(action_id: UUID) -> list[EmailMessage]:
    """Return one mail for each author about everything that this action decided and that is news to them.

    After an action that marks several comments as spam, only authors who had appealed get a mail, so that
    spammers get none.
    """
    transitions = Transition.objects.filter(
        confirmed_email_condition("comment__author", "comment__guest"),
        action_id=action_id,
        kind=Transition.Kind.STATE,
        comment__state__in=[State.PUBLISHED, *REMOVED_BY_MODERATION],
    )
    appeals = Appeal.objects.filter(comment__in=transitions.values("comment"), is_edit=False)
    answers = dict(appeals.values_list("comment", "case__closing_action_id"))
    answered = {pk for pk, answer in answers.items() if answer == action_id}
    if _mass_spam_actions([action_id]):
        transitions = transitions.filter(comment__in=answered)
    last_transitions = dict(transitions.values_list("comment", "id"))
    histories = state_history.read_histories(last_transitions)
    mass_spam = _mass_spam_actions(
        {period.first.action_id for history in histories.values() for period in history.periods}
    )
    news = [
        pk
        for pk, history in histories.items()
        if _is_news(history, last_transitions[pk], action_id, answers.get(pk), mass_spam)
    ]
    return _compose(news)


def compose_not_published_mail(comment_id: int) -> list[EmailMessage]:
    """Return the mail that a comment is pending or was marked as spam.

    There is none if that is not so any more, or if MAX_PENDING_MAILS earlier comments of the author are
    pending.
    """
    not_published = Q(state=State.PENDING) | Q(state=State.SPAM, state_reason=Reason.SCREENED)
    rows = Comment.objects.filter(confirmed_email_condition("author"), not_published, pk=comment_id)
    comment = rows.select_related("author", "guest").first()
    if comment is None:
        return []
    earlier = Comment.objects.written_by(comment.author, comment.guest).filter(not_published)
    if earlier.filter(created_at__lt=comment.created_at).count() >= MAX_PENDING_MAILS:
        return []
    return _compose([comment.pk])


def _is_news(
    history: state_history.StateHistory,
    transition: int,
    action_id: UUID,
    answer: UUID | None,
    mass_spam: set[UUID | None],
) -> bool:
    """Return whether this transition made the current state and its author does not know that state yet.

    `answer` is the action that answered the author's appeal, which is always news. Where the author is to be
    notified of it, an earlier action is no news, because both mails would say the same.
    """
    current = history.periods[-1]
    if answer == action_id:
        return current.first.pk <= transition
    if answer and answer == history.notified_transition.action_id:
        return False
    return current.first.pk == transition and current.key != history.known_before(mass_spam)


def _mass_spam_actions(action_ids: Collection[UUID | None]) -> set[UUID | None]:
    """Return the ids of those actions that marked more than one comment as spam."""
    spam = Transition.objects.filter(
        action_id__in=action_ids, kind=Transition.Kind.STATE, to_state=State.SPAM
    )
    many = spam.order_by().values("action_id").annotate(count=Count("pk")).filter(count__gt=1)
    return set(many.values_list("action_id", flat=True))


def _compose(ids: Collection[int]) -> list[EmailMessage]:
    """Return one mail for each author, which covers all of their comments among these."""
    rows = Comment.objects.filter(pk__in=ids).select_related("author", "guest", "discussion__article")
    site, by_language = read_site(), defaultdict[str, list[Comment]](list)
    for comment in rows.order_by("pk"):
        by_language[language_of(comment.author, site)].append(comment)
    mails = list[EmailMessage]()
    for language, comments in by_language.items():
        with translation.override(language):
            mails += _compose_in_one_language(site, comments)
    return mails


def _compose_in_one_language(site: Site, comments: list[Comment]) -> list[EmailMessage]:
    by_email: dict[str, list[DecisionNotice]] = defaultdict(list)
    for notice in render_notices(comments).values():
        author = notice.comment.author or notice.comment.guest
        if author and notice.kind != DecisionKind.NONE:
            by_email[author.email.lower()].append(notice)
    comments = [notice.comment for notices in by_email.values() for notice in notices]
    users = {comment.author_id for comment in comments if comment.author_id}
    guests = {comment.guest_id for comment in comments if comment.guest_id and not comment.author_id}
    recipients = decision_recipients.find_recipients(users, guests)
    return [
        _compose_for_author(site, recipients[email], notices)
        for email, notices in by_email.items()
        if email in recipients
    ]


def _compose_for_author(site: Site, follow: Follow, notices: list[DecisionNotice]) -> EmailMessage:
    """Return the mail to one author. Notices with the same text become one part of it.

    `follow` is the row in which they can choose to get no such mails.
    """
    parts: dict[tuple[str, ...], list[DecisionNotice]] = defaultdict(list)
    for notice in notices:
        parts[notice.title, *notice.sentences, notice.next_step].append(notice)
    merged = [
        {"sentences": same[0].sentences, "next_step": same[0].next_step, "notices": same}
        for same in parts.values()
    ]
    subject = notices[0].title
    if len(notices) > 1:
        subject = _subject({notice.kind for notice in notices}, len(notices))
    author = notices[0].comment.author or notices[0].comment.guest
    stop_url = stop_path(str(follow_token(follow)))
    context = {"parts": merged, "is_single": len(notices) == 1, "stop_url": stop_url}
    mail = compose_mail(
        "moderation/mail/decision.txt", subject, author.email if author else "", site=site, **context
    )
    mail.extra_headers |= unsubscribe_headers(stop_url)
    return mail


def _subject(kinds: set[DecisionKind], count: int) -> str:
    if kinds == {DecisionKind.PUBLISHED}:
        return ngettext("Your comment is published", "Your comments are published", count)
    if kinds == {DecisionKind.REMOVED}:
        return ngettext("Your comment was removed", "Your comments were removed", count)
    return _("Decisions on your comments")
