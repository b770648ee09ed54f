"""The registry of personal data is complete: each column of the database is named once."""

from collections import Counter

import pytest
from django.db import connection

from archive.personal_data.registry import REGISTRY

COLUMNS = """
SELECT table_name || '.' || column_name FROM information_schema.columns c
WHERE table_schema = 'public' AND EXISTS (
  SELECT FROM information_schema.tables t
  WHERE t.table_schema = 'public' AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE')"""

INSTRUCTION = "Name it in REGISTRY of archive/personal_data/registry.py, or in NO_PERSONAL_DATA here."

# Columns that say nothing about a person: ids, settings, texts of the newsroom, counters, and links between
# rows that name the person in another column.
NO_PERSONAL_DATA = {
    "account_emailaddress": "id",
    "account_emailconfirmation": "id",
    "accounts_guest": "id",
    "accounts_loginattempts": "id",
    "accounts_rolechange": "id",
    "accounts_secondfactorremoval": "id",
    "accounts_signup": "id",
    "accounts_undeliverableemail": "id",
    "accounts_user": "id logout_count",
    "accounts_user_groups": "id",
    "accounts_user_user_permissions": "id",
    "archive_import": (
        "id format filename sha256 declared_count found_count created_count warnings article_id batch_id"
    ),
    "archive_personaldatafile": "id",
    "articles_article": (
        "id title slug standfirst body body_html published_at stage embargo_until "
        "unpublished_at unpublished_reason was_published_at corrected_at rights "
        "source_name source_url canonical_url source_zone source_key created_at "
        "updated_at version keywords vector lead_image_id"
    ),
    "articles_article_editors": "id article_id",
    "articles_article_topics": "id article_id topic_id",
    "articles_author": "id",
    "articles_autosave": "nonce kind turn is_done article_id page_id",
    "articles_byline": "id place article_id",
    "articles_correction": "id at text article_id",
    "articles_editornote": "id article_id",
    "articles_image": (
        "id digest suffix width height is_animated has_alpha filename alt is_decorative "
        "caption focal_x focal_y sizes"
    ),
    "articles_imageuse": "id article_id image_id site_id page_id",
    "articles_newsletter": "id is_digest subject introduction version counts",
    "articles_newsletterrecipient": "id",
    "articles_newsletterstory": "id newsletter_id article_id place",
    "articles_pin": "id place article_id",
    "articles_presence": "id",
    "articles_redirect": "id old path rest created_at article_id page_id topic_id",
    "articles_revision": (
        "id number title standfirst body is_conflicting_copy base restored nonce article_id page_id"
    ),
    "articles_site": (
        "id name tagline language written_in time_zone contact_email mail_name moderation "
        "review_after_days close_after_days rules_in_short rules privacy backs_up_nightly "
        "backups_kept comment_status review_everything has_public_log version accent "
        "icon_id logo_id logo_has_name staff_need_second_factor"
    ),
    "articles_standingpage": "id title slug body body_html menu place shown updated_at version",
    "articles_subscriber": "id",
    "articles_subscription": "id",
    "articles_topic": "id name slug shown",
    "auth_group": "id name",
    "auth_group_permissions": "id group_id permission_id",
    "auth_permission": "id name content_type_id codename",
    "comments_comment": (
        "id tree_id lft rght level is_plain_text text_missing revision erased_at state "
        "state_reason reply_count recommend_count is_pick is_locked is_redacted shown "
        "nonce source_number in_reply_to_id parent_id duplicate_of_id discussion_id"
    ),
    "comments_commentclaim": "id",
    "comments_commentdraft": "id",
    "comments_commentrevision": "id revision is_redacted comment_id",
    "comments_commenttext": "comment_id",
    "comments_discussion": (
        "article_id status closes_at close_after_days members_only moderation "
        "declared_count copied_count visible_count tally version"
    ),
    "comments_discussionday": "id day visible_count discussion_id",
    "comments_follow": "id",
    "comments_inferredparent": (
        "comment_id confidence reason is_dismissed discussion_id imported_parent_id parent_id"
    ),
    "comments_mute": "id",
    "comments_newssearch": "id until",
    "comments_recommendation": "id counted",
    "comments_removalreason": "id code label message position is_active",
    "comments_transition": (
        "id kind revision batch seq hash discussion_id new_parent_id old_parent_id restores_id"
    ),
    "comments_visit": "id",
    "config_mailday": "day sent failed",
    "config_runningserver": "name host roles version settings started_at seen_at",
    "config_mailfailure": "id",
    "django_admin_log": "id action_flag content_type_id",
    "django_content_type": "id app_label model",
    "django_migrations": "id app name applied",
    "django_tasks_database_dbtaskresult": (
        "id status priority task_path queue_name backend_name run_after finished_at "
        "started_at exception_class_path worker_ids"
    ),
    "mfa_authenticator": "id",
    "moderation_accounterasure": "id",
    "moderation_appeal": "id revision against_id case_id",
    "moderation_batch": "id undos root_id undoes_id",
    "moderation_case": (
        "id due_at is_waiting is_reported is_illegal is_new_person is_appealed script closed_by discussion_id"
    ),
    "moderation_commentgroup": "id kind run made_at size batch_id original_id",
    "moderation_commentgroupmember": "id last_transition_id group_id",
    "moderation_decisionmessage": "batch_id",
    "moderation_filterversion": "id kind made_at trained_on numbers numbers_at is_refused",
    "moderation_finding": "id revision strength holds filter_id rule_id",
    "moderation_illegalcontentreport": "id in_good_faith case_id",
    "moderation_importscreening": "batch_id comment_count screened_count finished_at discussion_id",
    "moderation_jobrun": "name started_at finished_at error",
    "moderation_moderationsettings": (
        "id alert_hours alert_from alert_until alerted_at false_positive_limit filter_id"
    ),
    "moderation_moderatornote": "id",
    "moderation_removalrequest": "id",
    "moderation_report": "id case_id",
    "moderation_restrictedtext": "id revision is_redacted restriction_id",
    "moderation_restrictedtextreading": "id restriction_id",
    "moderation_restriction": "id batch_id",
    "moderation_rule": "id kind holds is_active article_id first_id replaces_id topic_id",
    "moderation_ruleterms": "rule_id count whole_words",
    "moderation_sanction": "id batch_id",
    "moderation_savedline": "id is_active",
    "moderation_secondopinion": "id asked_at comment_id first_id",
    "moderation_settingchange": "id target target_id field old new batch_id",
    "moderation_similarityscan": "id asked_at ended_at last_transition_id comments",
    "socialaccount_socialaccount": "id",
    "socialaccount_socialapp": "id provider provider_id name client_id secret key settings",
    "socialaccount_socialtoken": "id app_id",
    "usersessions_usersession": "id",
}


def count_listed_columns() -> Counter[str]:
    by_table = [NO_PERSONAL_DATA, *(kind.columns for kind in REGISTRY)]
    return Counter(
        f"{table}.{column}"
        for columns in by_table
        for table, names in columns.items()
        for column in names.split()
    )


@pytest.mark.django_db
def test_each_column_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        stored = {name for (name,) in cursor.fetchall()}
        # This finds a column that is not named.
        cursor.execute("ALTER TABLE accounts_user ADD COLUMN phone text")
        cursor.execute(COLUMNS)
        assert {name for (name,) in cursor.fetchall()} - set(count_listed_columns()) == {
            "accounts_user.phone"
        }
    assert stored - set(count_listed_columns()) == set(), INSTRUCTION
    assert set(count_listed_columns()) - stored == set(), "These columns are gone."


def test_no_column_is_named_twice() -> None:
    assert [name for name, count in count_listed_columns().items() if count > 1] == []


def test_names_e_mails_and_people_are_in_the_registry() -> None:
    words = ("email", "author_name", "password", "user_id", "guest_id", "author_id", "ip_hash", "by_id")
    unlikely = {"articles_site.contact_email", "articles_site.mail_name"}
    columns = {f"{table}.{column}" for table, names in NO_PERSONAL_DATA.items() for column in names.split()}
    assert {name for name in columns if name.endswith(words)} <= unlikely
