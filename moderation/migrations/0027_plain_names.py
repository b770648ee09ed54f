from collections.abc import Iterable

from django.db import migrations, models
from django.db.models import Q
from django.db.models.constraints import BaseConstraint
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from core.database.independent_operations import IndependentOperations, StateOperations
from core.database.renamed_models import rename_model

# Old and new beginnings of the names of constraints, indexes, sequences and triggers of these apps' tables.
# The names of tables come first: a column's constraint begins with its table's name.
NAMES = {
    "articles_note": "articles_editornote",
    "articles_unsaved": "articles_autosave",
    "moderation_change": "moderation_settingchange",
    "moderation_desk": "moderation_moderationsettings",
    "moderation_filter": "moderation_filterversion",
    "moderation_group": "moderation_commentgroup",
    "moderation_look": "moderation_similarityscan",
    "moderation_member": "moderation_commentgroupmember",
    "moderation_network": "moderation_addressreportcount",
    "moderation_note": "moderation_moderatornote",
    "moderation_notice": "moderation_illegalcontentreport",
    "moderation_seal": "moderation_restriction",
    "moderation_sealedtext": "moderation_restrictedtext",
    "moderation_sealreading": "moderation_restrictedtextreading",
    "articles_article_taken_back_why": "articles_article_unpublished_reason",
    "articles_revision_is_aside": "articles_revision_is_conflicting_copy",
    "comments_removalreason_told": "comments_removalreason_message",
    "moderation_appeal_words": "moderation_appeal_text",
    "moderation_case_is_second_look": "moderation_case_is_appealed",
    "moderation_commentgroup_act_id": "moderation_commentgroup_batch_id",
    "moderation_commentgroup_settled_by_id": "moderation_commentgroup_resolved_by_id",
    "moderation_report_words": "moderation_report_details",
    "moderation_restrictedtext_seal_id": "moderation_restrictedtext_restriction_id",
    "moderation_restrictedtextreading_seal_id": "moderation_restrictedtextreading_restriction_id",
    "moderation_sanction_asked_words": "moderation_sanction_appeal_text",
    "moderation_sanction_words": "moderation_sanction_message",
    "appeal_words": "appeal_text",
    "article_why": "article_unpublished_reason",
    "change": "settingchange",
    "desk": "moderationsettings",
    "group": "commentgroup",
    "look": "similarityscan",
    "member": "commentgroupmember",
    "note": "editor_note",
    "notice": "illegalcontentreport",
    "report_words": "report_details",
    "sanction_asked_words": "sanction_appeal_text",
    "sanction_words": "sanction_message",
    "seal": "restriction",
    "sealedtext": "restrictedtext",
    "sealreading": "restrictedtextreading",
}

# A foreign key's name ends with _fk_ and the table that it refers to. Postgres cuts names at 63 bytes.
RENAME = """
DO $do$ DECLARE
  names text[] := ARRAY[{names}];
  pair text[];
  object record;
  name text;
BEGIN
  FOR object IN
    WITH tables AS (
      SELECT oid, oid::regclass AS name FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
        AND relname ~ '^(articles|comments|moderation)_')
    SELECT conname::text AS name, format('ALTER TABLE %s RENAME CONSTRAINT %I TO', t.name, conname) AS change
      FROM pg_constraint JOIN tables t ON t.oid = conrelid
    UNION ALL
    SELECT tgname::text, format('ALTER TRIGGER %I ON %s RENAME TO', tgname, t.name)
      FROM pg_trigger JOIN tables t ON t.oid = tgrelid WHERE NOT tgisinternal
    UNION ALL
    SELECT i.relname::text, format('ALTER INDEX %s RENAME TO', i.oid::regclass)
      FROM pg_index JOIN tables t ON t.oid = indrelid JOIN pg_class i ON i.oid = indexrelid
      WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT s.relname::text, format('ALTER SEQUENCE %s RENAME TO', s.oid::regclass)
      FROM pg_depend d JOIN tables t ON t.oid = d.refobjid JOIN pg_class s ON s.oid = d.objid
      WHERE s.relkind = 'S'
  LOOP
    name := object.name;
    FOREACH pair SLICE 1 IN ARRAY names LOOP
      name := regexp_replace(name, '(^|_fk_)' || pair[1] || '(?=_)', '\\1' || pair[2], 'g');
    END LOOP;
    IF name <> object.name THEN
      EXECUTE format('%s %I', object.change, left(name, 63));
    END IF;
  END LOOP;
END $do$"""

# Postgres can't rename the argument of a function. The schema stands first in the search path, so that
# nobody's temporary table is taken for ours.
READ = """
DROP FUNCTION moderation_copy_restricted();
DROP FUNCTION moderation_read_restricted(bigint[], bigint, boolean);
DO $do$ BEGIN
  EXECUTE format($make$
    CREATE FUNCTION moderation_read_restricted(restrictions bigint[], reader bigint, for_export boolean)
    RETURNS SETOF moderation_restrictedtext LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = %1$I, pg_temp AS $body$
    BEGIN
      INSERT INTO moderation_restrictedtextreading (restriction_id, by_id, at, is_export)
        SELECT id, reader, statement_timestamp(), for_export FROM unnest(restrictions) AS id;
      RETURN QUERY SELECT * FROM moderation_restrictedtext
        WHERE restriction_id = ANY(restrictions) ORDER BY restriction_id, revision;
    END $body$;
    CREATE FUNCTION moderation_copy_restricted()
    RETURNS SETOF moderation_restrictedtext LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = %1$I, pg_temp AS $body$
    BEGIN
      INSERT INTO moderation_restrictedtextreading (restriction_id, by_id, at, is_export)
        SELECT NULL, NULL, statement_timestamp(), true WHERE EXISTS (SELECT FROM moderation_restrictedtext);
      RETURN QUERY SELECT * FROM moderation_restrictedtext ORDER BY id;
    END $body$ $make$, current_schema());
END $do$"""

# Django renames the content type of a renamed model, but not its permissions.
PERMISSIONS = """
UPDATE auth_permission p SET codename = substring(p.codename FROM '^[a-z]+_') || c.model
FROM django_content_type c
WHERE c.id = p.content_type_id AND c.app_label IN ('articles', 'moderation')
  AND p.codename IN ({codenames})
  AND NOT EXISTS (  -- such as after this migration was reversed
    SELECT FROM auth_permission q WHERE q.content_type_id = p.content_type_id
      AND q.codename = substring(p.codename FROM '^[a-z]+_') || c.model)"""
MODELS = [
    "change", "desk", "filter", "group", "look", "member", "network", "note", "notice", "seal", "sealedtext",
    "sealreading", "unsaved",
]  # fmt: skip


def rename_constraint(model: str, old: str, new: BaseConstraint) -> StateOperations:
    """Rename a constraint in the state of the migrations; RENAME does it in the database."""
    return StateOperations([migrations.RemoveConstraint(model, old), migrations.AddConstraint(model, new)])


def rename(names: Iterable[tuple[str, str]]) -> str:
    """Return the statement that renames what these old names begin, in this order."""
    return RENAME.format(names=", ".join(f"ARRAY['{old}', '{new}']" for old, new in names))


def limit(field: str, characters: int, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=LessThanOrEqual(Length(field), characters), name=name)


def refers_to(model: str, related_name: str) -> models.ForeignKey:
    return models.ForeignKey(on_delete=models.PROTECT, related_name=related_name, to=model)


class Migration(migrations.Migration):
    """Rename models and fields, with everything in the database that is named after them."""

    dependencies = [
        ("articles", "0022_plain_names"),
        ("comments", "0016_plain_names"),
        ("moderation", "0026_triggers_name_their_schema"),
    ]

    operations = [
        # In groups: a model is renamed before or after those that refer to it, not together with them.
        IndependentOperations(
            [
                *rename_model("moderation", "Change", "SettingChange"),
                *rename_model("moderation", "Desk", "ModerationSettings"),
            ]
        ),
        IndependentOperations(
            [
                *rename_model("moderation", "Filter", "FilterVersion"),
                *rename_model("moderation", "Group", "CommentGroup"),
                *rename_model("moderation", "Look", "SimilarityScan"),
            ]
        ),
        IndependentOperations(
            [
                *rename_model("moderation", "Member", "CommentGroupMember"),
                *rename_model("moderation", "Network", "AddressReportCount"),
                *rename_model("moderation", "Note", "ModeratorNote"),
                *rename_model("moderation", "Notice", "IllegalContentReport"),
                *rename_model("moderation", "Seal", "Restriction"),
            ]
        ),
        IndependentOperations(
            [
                *rename_model("moderation", "SealedText", "RestrictedText"),
                *rename_model("moderation", "SealReading", "RestrictedTextReading"),
            ]
        ),
        IndependentOperations(
            [
                migrations.RenameField("appeal", "words", "text"),
                migrations.RenameField("case", "is_second_look", "is_appealed"),
                migrations.RenameField("commentgroup", "act", "batch"),
                migrations.RenameField("commentgroup", "settled_at", "resolved_at"),
                migrations.RenameField("commentgroup", "settled_by", "resolved_by"),
                migrations.RenameField("illegalcontentreport", "told_at", "notified_at"),
                migrations.RenameField("removalrequest", "told_at", "notified_at"),
                migrations.RenameField("report", "told_at", "notified_at"),
                migrations.RenameField("report", "words", "details"),
                migrations.RenameField("restrictedtext", "seal", "restriction"),
                migrations.RenameField("restrictedtextreading", "seal", "restriction"),
                migrations.RenameField("sanction", "asked_at", "appealed_at"),
                migrations.RenameField("sanction", "asked_words", "appeal_text"),
                migrations.RenameField("sanction", "told_at", "notified_at"),
                migrations.RenameField("sanction", "told_end_at", "end_notified_at"),
                migrations.RenameField("sanction", "words", "message"),
            ]
        ),
        IndependentOperations(
            [
                migrations.AlterField(
                    "illegalcontentreport", "case", refers_to("moderation.case", "illegal_content_reports")
                ),
                migrations.AlterField(
                    "illegalcontentreport",
                    "comment",
                    refers_to("comments.comment", "illegal_content_reports"),
                ),
                migrations.AlterField(
                    "restriction", "comment", refers_to("comments.comment", "restrictions")
                ),
                rename_constraint("appeal", "appeal_words_length", limit("text", 2000, "appeal_text_length")),
                rename_constraint(
                    "commentgroupmember",
                    "member_once",
                    models.UniqueConstraint(fields=["group", "comment"], name="commentgroupmember_once"),
                ),
                rename_constraint(
                    "illegalcontentreport",
                    "notice_why_length",
                    limit("why", 5000, "illegalcontentreport_why_length"),
                ),
                rename_constraint(
                    "moderationsettings",
                    "desk_is_one_row",
                    models.CheckConstraint(condition=Q(pk=1), name="moderationsettings_is_one_row"),
                ),
                rename_constraint(
                    "report", "report_words_length", limit("details", 2000, "report_details_length")
                ),
                rename_constraint(
                    "restrictedtext",
                    "sealedtext_once",
                    models.UniqueConstraint(fields=["restriction", "revision"], name="restrictedtext_once"),
                ),
                rename_constraint(
                    "restrictedtextreading",
                    "sealreading_of_all_is_a_backup",
                    models.CheckConstraint(
                        condition=Q(restriction__isnull=False) | Q(is_export=True),
                        name="restrictedtextreading_of_all_is_a_backup",
                    ),
                ),
                rename_constraint(
                    "restriction",
                    "seal_one_on_a_comment",
                    models.UniqueConstraint(
                        fields=["comment"], condition=Q(lifted_at=None), name="restriction_one_on_a_comment"
                    ),
                ),
                rename_constraint(
                    "sanction",
                    "sanction_asked_words_length",
                    limit("appeal_text", 2000, "sanction_appeal_text_length"),
                ),
                rename_constraint(
                    "sanction", "sanction_words_length", limit("message", 2000, "sanction_message_length")
                ),
                rename_constraint(
                    "settingchange",
                    "change_once_a_batch",
                    models.UniqueConstraint(
                        fields=["batch", "target", "target_id", "field"], name="settingchange_once_a_batch"
                    ),
                ),
                # RENAME renames the indexes.
                StateOperations(
                    [
                        migrations.RenameIndex(
                            "commentgroup", new_name="commentgroup_run", old_name="group_run"
                        ),
                        migrations.RenameIndex(
                            "commentgroupmember",
                            new_name="commentgroupmember_comment",
                            old_name="member_comment",
                        ),
                        migrations.RenameIndex(
                            "settingchange", new_name="settingchange_target", old_name="change_target"
                        ),
                        migrations.RenameIndex(
                            "similarityscan", new_name="similarityscan_asked", old_name="look_asked"
                        ),
                    ]
                ),
            ]
        ),
        migrations.RunSQL(rename(NAMES.items()), rename((new, old) for old, new in reversed(NAMES.items()))),
        migrations.RunSQL(READ, migrations.RunSQL.noop),
        migrations.RunSQL(
            PERMISSIONS.format(
                codenames=", ".join(
                    f"'{verb}_{model}'" for verb in ("add", "change", "delete", "view") for model in MODELS
                )
            ),
            migrations.RunSQL.noop,
        ),
    ]
