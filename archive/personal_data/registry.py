"""The registry of personal data: which columns hold it, what it is for, and how long it is kept.

The privacy page is made from it. A test, which lists the columns without personal data, fails if a column of
the database is in neither, so nothing can be stored that the page does not state.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import guests, undeliverable
from accounts.authentication import devices, sign_up
from archive.personal_data.files import FILE_RETENTION
from articles.editing.cleanup import AUTOSAVE_RETENTION
from articles.newsletter import sending, subscriptions
from comments.services.drafts import DRAFT_RETENTION
from comments.thread.visits import VISIT_RETENTION
from core import stored_jobs
from core.dates.days import DAY_SECONDS
from core.mail import failures as mail_failures
from moderation.erasure.purge import SPAM_RETENTION
from moderation.models.people import ORIGIN_RETENTION
from moderation.reports.removal_requests import RETENTION as REQUEST_RETENTION


@dataclass(frozen=True)
class PersonalData:
    """One kind of personal data: `columns` are the names of its columns by table, separated by spaces."""

    title: Any
    content: Any
    purpose: Any
    retention: Any
    columns: dict[str, str]


REGISTRY = [
    PersonalData(
        _("Your account"),
        _(
            "Name, e-mails, a hash of the password, the language that you chose, when you joined and last "
            "logged in, and your roles."
        ),
        _("To let you log in, to show your name beside your comments, and to write to you."),
        format_lazy(
            _("Until you erase your account. A sign-up that is not confirmed: {days} days."),
            days=sign_up.LINK_MAX_AGE.days,
        ),
        {
            "accounts_user": "password last_login email name has_page language is_active date_joined",
            "account_emailaddress": "email verified primary user_id",
            "account_emailconfirmation": "created sent key email_address_id",
            "accounts_user_groups": "user_id group_id",
            "accounts_user_user_permissions": "user_id permission_id",
            "accounts_rolechange": "is_granted at actor_id role_id user_id",
            "accounts_signup": "name email password next_url created_at",
        },
    ),
    PersonalData(
        _("Commenting as a guest"),
        _("The name and the e-mail that you give, and a cookie by which your browser is recognised."),
        _("To show your name, to let you edit your comments, and to write to you about them."),
        format_lazy(
            _("An e-mail that is not confirmed: {days} days. Otherwise until you erase it."),
            days=guests.LINK_MAX_AGE.days,
        ),
        {"accounts_guest": "name email created_at confirmed_at is_active"},
    ),
    PersonalData(
        _("Log-ins"),
        _(
            "A session for each browser in which you are logged in, with the browser, the IP address and the "
            "time, and counts of wrong passwords and codes, of sign-ups and of mails that you ask for."
        ),
        _("To keep you logged in, to show you your devices, and to slow down people who guess passwords."),
        format_lazy(
            _("Sessions: {days} days after the log-in; the IP address {ip_days} days. Counts: one day."),
            days=settings.SESSION_COOKIE_AGE // DAY_SECONDS,
            ip_days=devices.IP_ADDRESS_RETENTION.days,
        ),
        {
            "django_session": "session_key session_data expire_date",
            "accounts_loginattempts": "account origin wrong at",
            "config_cacheentry": "cache_key value expires",
            "usersessions_usersession": "user_id created_at ip last_seen_at session_key user_agent data",
        },
    ),
    PersonalData(
        _("Second factors and other log-ins"),
        _(
            "The keys of authenticator apps and recovery codes, encrypted; the public keys of passkeys; and "
            "your name at other services by which you log in."
        ),
        _("To protect your account, and to log you in."),
        _("Until you remove them, or erase your account."),
        {
            "mfa_authenticator": "user_id type data created_at last_used_at",
            "accounts_secondfactorremoval": "user_id at",
            "socialaccount_socialaccount": "user_id provider uid last_login date_joined extra_data",
            "socialaccount_socialtoken": "account_id token token_secret expires_at",
        },
    ),
    PersonalData(
        _("Following and muting"),
        _(
            "What you follow, how you are notified of what happens to your comments, until when "
            "you have seen or were mailed the updates, and whom you muted."
        ),
        _("To tell you what is new, and to fold comments that you do not want to read."),
        _("Until you stop it, or erase your account."),
        {
            "comments_follow": (
                "user_id guest_id kind article_id topic_id delivery delivery_before_stop "
                "delivery_before_own_stop created_at seen_at seen_comments news_at news_count mailed_at "
                "due_at sending_until failures"
            ),
            "comments_mute": "user_id muted_user_id muted_guest_id muted_comment_id at",
        },
    ),
    PersonalData(
        _("Newsletter"),
        _(
            "The e-mail that you subscribe with, in which language, to what and since when, and which "
            "newsletters were sent to it, with the answer of its mail server if one was rejected. Not "
            "whether you read them."
        ),
        _("To send you what you subscribed to, and to let editors see what failed."),
        format_lazy(
            _(
                "Until you unsubscribe, or erase your account; without a confirmation {days} days. What was "
                "sent to you: {sent_days} days. That a subscription was ended: as long as the site, by its "
                "number only."
            ),
            days=subscriptions.LINK_MAX_AGE.days,
            sent_days=sending.RECIPIENT_RETENTION.days,
        ),
        {
            "articles_subscriber": "email created_at language",
            "articles_subscription": "subscriber_id topic_id created_at confirmed_at",
            "articles_newsletterrecipient": (
                "newsletter_id subscriber_id state due_at failures failure reason"
            ),
        },
    ),
    PersonalData(
        _("Visits of discussions"),
        _("When you opened a discussion last, and which of its comments were there."),
        _("To mark the comments that are new to you."),
        format_lazy(
            _("{days} days after the visit, or until you erase your account."), days=VISIT_RETENTION.days
        ),
        {"comments_visit": "user_id article_id at seq previous_seq"},
    ),
    PersonalData(
        _("Drafts of comments"),
        _("What you have written in a form for a comment and not posted. Only you can read it."),
        _("To give you the text on another device, and after you have logged in again."),
        format_lazy(
            _(
                "Until you post or discard it, {days} days after its last change, or until you erase your "
                "account."
            ),
            days=DRAFT_RETENTION.days,
        ),
        {"comments_commentdraft": "user_id article_id parent_id body at"},
    ),
    PersonalData(
        _("Comments"),
        _("The text, its earlier versions, your name and e-mail, when you wrote it, and what it answers."),
        _("To publish them."),
        format_lazy(
            _(
                "Until you erase them with your account. The text of spam: {days} days. Other comments that "
                "were removed or deleted: until an administrator deletes their text."
            ),
            days=SPAM_RETENTION.days,
        ),
        {
            "comments_comment": (
                "author_name author_email body body_html created_at edited_at author_id guest_id "
                "source source_id source_parent"
            ),
            "comments_commentrevision": "body replaced_at",
            "comments_commenttext": "folded vector author_name",
            "comments_commentclaim": "comment_id guest_id user_id at",
        },
    ),
    PersonalData(
        _("IP addresses"),
        _(
            "Keyed hashes of the IP address that a comment or a report was sent from, and of the address "
            "block of a comment, never the address itself."
        ),
        _("To recognise and to limit floods of comments."),
        format_lazy(
            _("{days} days; of reports two hours at most. With a restricted comment: as long as that."),
            days=ORIGIN_RETENTION.days,
        ),
        {
            "moderation_origin": "comment_id ip_hash block_hash at",
            "moderation_addressreportcount": "ip_hash began_at count",
        },
    ),
    PersonalData(
        _("Recommendations"),
        _("Which comments you recommended."),
        _("To count each recommendation once."),
        _("As long as the comment."),
        {"comments_recommendation": "given at comment_id guest_id user_id"},
    ),
    PersonalData(
        _("Reports, appeals and requests"),
        _("What you report or ask for, why, and, where the form asks for them, your name and e-mail."),
        _("To review comments, to answer you, and to show that the site has done what the law demands."),
        format_lazy(
            _(
                "Reports and appeals: as long as the comment, without your words once you erase your "
                "account. Requests for removal: your name, your e-mail and your words until {days} days "
                "after the answer; the answer as long as the site. Reports of illegal content: as long as "
                "the site, without your name and e-mail once you erase your account."
            ),
            days=REQUEST_RETENTION.days,
        ),
        {
            "moderation_report": "comment_id guest_id user_id why details weight at notified_at",
            "moderation_appeal": "comment_id text at is_edit",
            "moderation_illegalcontentreport": (
                "receipt comment_id why name email at notified_at is_child_abuse"
            ),
            "moderation_removalrequest": (
                "receipt article_title requested_action passage reason role name email at "
                "outcome answer decided_at decided_by_id notified_at article_id comment_id"
            ),
        },
    ),
    PersonalData(
        _("Moderation"),
        _(
            "Decisions on your comments with their reasons, what automatic checks found in them, "
            "warnings, pauses and bans, and notes of moderators about a comment or a person."
        ),
        _("To keep to the rules of this site, and to let moderators know what was decided before."),
        _("As long as the site, without names and texts once you erase your account."),
        {
            "moderation_sanction": (
                "kind reason message at until ended_at notified_at end_notified_at appealed_at "
                "appeal_text answered_at guest_id user_id"
            ),
            "moderation_moderatornote": "text at by_id comment_id guest_id user_id",
            "moderation_decisionmessage": "text comment_id",
            "moderation_finding": "comment_id check_name spans number at twin_id",
            "moderation_case": "comment_id score claimed_by_id claimed_until closed_at opened_at",
            "comments_transition": "actor_id comment_id from_state to_state from_reason reason at",
            "moderation_commentgroupmember": "comment_id similarity clues",
            "moderation_filterversion": "weights",
        },
    ),
    PersonalData(
        _("Restricted comments"),
        _("The text, name, e-mail and hash of the IP address of a comment that nobody may see."),
        _("To hide it, and to hand it to an authority or a court."),
        _("Until an administrator decides. Each reading is logged."),
        {
            "moderation_restriction": (
                "comment_id why is_legal_hold at lifted_at author_name author_email ip_hash"
            ),
            "moderation_restrictedtext": "body replaced_at",
            "moderation_restrictedtextreading": "by_id at is_export",
        },
    ),
    PersonalData(
        _("Mails and background jobs"),
        _(
            "The e-mail or the number of the person that a job is about. Logs of failed mails have no "
            "e-mail, but e-mails that their mail server rejects are stored with its answer."
        ),
        _("To send mails, to see which failed, and to send no more to an e-mail that does not exist."),
        format_lazy(
            _(
                "Jobs: {days} days, failed ones {failed_days} days. Failures of mails: {mail_days} days. "
                "Rejected e-mails: {rejected_days} days, or until you ask for mails again, change your "
                "e-mail or erase your account."
            ),
            mail_days=mail_failures.FAILURE_RETENTION.days,
            rejected_days=undeliverable.UNDELIVERABLE_RETENTION.days,
            days=stored_jobs.SUCCESS_RETENTION.days,
            failed_days=stored_jobs.FAILURE_RETENTION.days,
        ),
        {
            "django_tasks_database_dbtaskresult": "args_kwargs return_value traceback enqueued_at",
            "config_mailfailure": "at subject count error",
            "accounts_undeliverableemail": "email answer at",
        },
    ),
    PersonalData(
        _("Your data and its erasure"),
        _("That you asked for your data or for the erasure of your account, and when; and the file itself."),
        _("To give you the file, and to erase you again if an older backup is restored."),
        format_lazy(
            _("The file: {days} days. That an account was erased: as long as the site, by its number only."),
            days=FILE_RETENTION.days,
        ),
        {
            "archive_personaldatafile": "asked_at ready_at guest_id user_id",
            "moderation_accounterasure": "deletes_comments asked_at finished_at guest_id user_id",
        },
    ),
    PersonalData(
        _("People who work on this site"),
        _(
            "Author pages and bylines, who wrote, saved or uploaded what, unsaved changes, notes "
            "between editors, and every action of moderation."
        ),
        _("To publish stories, and to let colleagues see who did what."),
        format_lazy(
            _(
                "As long as the site. Unsaved changes: {days} days. Which page somebody has open: one day. "
                "Names go when the account is erased."
            ),
            days=AUTOSAVE_RETENTION.days,
        ),
        {
            "articles_author": "slug line user_id",
            "articles_byline": "author_id",
            "articles_article": "byline",
            "articles_article_editors": "user_id",
            "articles_autosave": "typed read at editor_id",
            "articles_presence": "seen_at typed_at article_id editor_id page_id",
            "articles_revision": "at by_id",
            "articles_editornote": "at body by_id",
            "articles_correction": "by_id",
            "articles_image": "credit uploaded_at uploaded_by_id",
            "articles_newsletter": "by_id created_at sent_at stopped_at",
            "articles_redirect": "author_id",
            "archive_import": "actor_id at",
            "moderation_batch": "actor_id kind at to_state reason parameters",
            "moderation_commentgroup": "resolved_by_id resolved_at shared",
            "moderation_secondopinion": "actor_id to_state given_at",
            "moderation_rule": "value note added_by_id added_at",
            "moderation_ruleterms": "text",
            "moderation_savedline": "text added_by_id added_at",
            "django_admin_log": "action_time object_id object_repr change_message user_id",
        },
    ),
]
