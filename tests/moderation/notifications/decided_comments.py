"""Comments by Jim about which he gets a notice, one function for each kind of decision.

Each function returns the comment and the action that he is notified of, if there is one.
"""

from django.db.models import F

from articles.models import Site
from comments.models import Discussion, Reason, RemovalReason, State
from comments.services.discussions import change_discussion
from comments.services.editing import edit_comment
from comments.services.states import change_states
from moderation.actions.redactions import redact
from moderation.models import Rule
from moderation.reports import reporting
from tests.factories import UserFactory, make_comment
from tests.moderation.notifications.helpers import an_hour_later, approved, decided


def new(article, jim, maria):
    return make_comment(article, "Hello, everybody.", author=jim), None


def checked(article, jim, maria):
    approved(article, author=jim, maria=maria)
    return make_comment(article, "See https://one.example and https://two.example here.", author=jim), None


def matching_a_rule(article, jim, maria):
    approved(article, author=jim, maria=maria)
    Rule.objects.create(kind=Rule.Kind.TERM, value="casino")
    return make_comment(article, "A casino is planned.", author=jim), None


def premoderated(article, jim, maria):
    approved(article, author=jim, maria=maria)
    change_discussion(article=article, moderation=Discussion.Moderation.PRE)
    return make_comment(article, "The night boat was quieter.", author=jim), None


def changed(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    edited = edit_comment(
        comment=comment, body="See https://one.example and https://two.example.", user=jim, guest=None
    )
    return edited, None


def published(article, jim, maria):
    comment = make_comment(article, author=jim)
    return comment, decided(comment, State.PUBLISHED, Reason.APPROVED, maria)


def removed(article, jim, maria):
    RemovalReason.objects.filter(code="off_topic").update(message="Keep to the boat.")
    Site.objects.update(version=F("version") + 1)
    comment = approved(article, author=jim, maria=maria)
    return comment, decided(comment, State.REJECTED, "off_topic", maria)


def reported(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    bo = UserFactory.create(name="Bo Reporter")
    reporting.report_comment(comment=comment, user=bo, guest=None, why="abuse", details="He is rude.")
    return comment, decided(comment, State.REJECTED, "insult", maria)


def illegal(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    reporting.report_illegal_content(
        comment=comment, why="It is a threat.", name="Nia", email="nia@example.org"
    )
    return comment, decided(comment, State.REJECTED, "other", maria)


def proposed_by_a_check(article, jim, maria):
    comment, _ = matching_a_rule(article, jim, maria)
    return comment, decided(comment, State.REJECTED, "off_topic", maria)


def spam(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    return comment, decided(comment, State.SPAM, Reason.SPAM, maria)


def marked_by_filter(article, jim, maria):
    comment = approved(article, author=jim, maria=maria)
    change_states(ids=[comment.pk], to=State.SPAM, reason=Reason.SPAM, actor=None)
    return comment, None


def restored(article, jim, maria):
    comment, _ = removed(article, jim, maria)
    an_hour_later()
    return comment, decided(comment, State.PUBLISHED, Reason.APPROVED, maria)


def redacted_comment(article, jim, maria):
    comment = approved(article, "Call Ann Smith about the boat.", author=jim, maria=maria)
    return comment, redact(comment=comment, marked="Call [[Ann Smith]] about the boat.", actor=maria)


def restricted(article, jim, maria):
    comment = approved(article, "Something unspeakable.", author=jim, maria=maria)
    change_states(ids=[comment.pk], to=State.REJECTED, reason=Reason.RESTRICTED, actor=maria)
    return comment, None


def appeal_turned_down(article, jim, maria):
    comment, _ = removed(article, jim, maria)
    reporting.appeal_removal(comment=comment, user=jim, guest=None, text="It is about the boat.")
    other = UserFactory.create(roles=("Moderator",))
    return comment, decided(comment, State.REJECTED, "off_topic", other)


def restored_after_appeal(article, jim, maria):
    comment, _ = removed(article, jim, maria)
    an_hour_later()
    reporting.appeal_removal(comment=comment, user=jim, guest=None, text="It is about the boat.")
    return comment, decided(comment, State.PUBLISHED, Reason.APPROVED, maria)
