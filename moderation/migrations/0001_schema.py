import datetime
import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from core.database.independent_operations import IndependentOperations


class Migration(migrations.Migration):
    """Create the tables of moderation."""

    replaces = [
        ("moderation", "0001_initial"),
        ("moderation", "0003_rules_of_many_kinds"),
        ("moderation", "0004_desk"),
        ("moderation", "0005_readings_append_only"),
        ("moderation", "0006_job_runs"),
        ("moderation", "0007_rules_that_only_tell"),
        ("moderation", "0008_vault"),
        ("moderation", "0009_sanctions_asked_about"),
        ("moderation", "0010_looks"),
        ("moderation", "0011_sanctions_told_of_their_end"),
        ("moderation", "0012_kinds_of_rules"),
        ("moderation", "0013_sealed_redactions"),
        ("moderation", "0014_one_version_in_force"),
        ("moderation", "0015_no_groups_of_drift"),
        ("moderation", "0016_public_log_of_the_site"),
        ("moderation", "0017_lists_of_a_queue"),
        ("moderation", "0018_roots_of_acts"),
        ("moderation", "0019_reports_of_a_network"),
        ("moderation", "0021_address_and_time"),
        ("moderation", "0022_requests_for_removal"),
    ]

    initial = True
    dependencies = [
        ("accounts", "0001_schema"),
        ("accounts", "__first__"),
        ("articles", "0002_schema"),
        ("comments", "0001_schema"),
    ]

    operations = [
        migrations.CreateModel(
            name="Filter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("starter", "starter"), ("learnt", "trained on this site")], max_length=10
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("weights", models.BinaryField()),
                ("trained_on", models.JSONField(default=dict)),
                ("numbers", models.JSONField(default=dict)),
                ("numbers_at", models.DateTimeField(null=True)),
                ("is_refused", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "filter",
                "verbose_name_plural": "filters",
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="JobRun",
            fields=[
                (
                    "name",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="job"),
                ),
                ("started_at", models.DateTimeField(verbose_name="started")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                ("error", models.CharField(blank=True, max_length=100, verbose_name="error")),
            ],
            options={
                "verbose_name": "job run",
                "verbose_name_plural": "job runs",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Network",
            fields=[
                ("ip_hash", models.BinaryField(max_length=16, primary_key=True, serialize=False)),
                ("began_at", models.DateTimeField()),
                ("count", models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Rule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("term", "term"),
                            ("list", "list of terms"),
                            ("domain", "domain"),
                            ("name", "name pattern"),
                            ("links", "links"),
                            ("rate", "rate"),
                            ("age", "age of the article"),
                        ],
                        default="term",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("value", models.CharField(max_length=200, verbose_name="value")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                (
                    "holds",
                    models.BooleanField(
                        db_default=True, default=True, verbose_name="sends matches to review"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "added_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "article",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="articles.article",
                    ),
                ),
                (
                    "first",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.rule",
                    ),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="moderation.rule",
                    ),
                ),
                (
                    "topic",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="articles.topic",
                    ),
                ),
            ],
            options={
                "verbose_name": "rule",
                "verbose_name_plural": "rules",
                "ordering": ["kind", "value"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("kind"),
                        django.db.models.functions.text.Upper("value"),
                        models.F("topic"),
                        models.F("article"),
                        condition=models.Q(("is_active", True)),
                        name="rule_once",
                        nulls_distinct=False,
                    ),
                    models.UniqueConstraint(
                        django.db.models.functions.comparison.Coalesce("first", "id"),
                        condition=models.Q(("is_active", True)),
                        name="rule_one_version",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("topic", None), ("article", None), _connector="OR"),
                        name="rule_one_scope",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("decision", "decision"),
                            ("move", "move"),
                            ("import", "import"),
                            ("undo", "undo"),
                            ("discussion", "settings of a discussion or of the site"),
                            ("comment", "editor's pick or lock"),
                            ("redaction", "redaction"),
                            ("person", "sanction"),
                            ("rule", "rule"),
                            ("seal", "restriction"),
                            ("filter", "filter"),
                            ("emptying", "permanent deletion"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "to_state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending", "Waiting for review"),
                            ("published", "Published"),
                            ("rejected", "Removed by a moderator"),
                            ("spam", "Removed as spam"),
                            ("deleted", "Deleted by its author"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=20)),
                ("parameters", models.JSONField(default=dict)),
                ("undos", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "root",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.batch",
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.batch",
                    ),
                ),
            ],
            options={
                "verbose_name": "action",
                "verbose_name_plural": "actions",
                "ordering": ["-at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("root", models.F("id")), ("undoes", None), ("undos", 0)),
                            models.Q(("undoes__isnull", False), ("undos__gt", 0)),
                            _connector="OR",
                        ),
                        name="batch_root",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Case",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("is_waiting", models.BooleanField(default=False)),
                ("is_reported", models.BooleanField(default=False)),
                ("is_illegal", models.BooleanField(default=False)),
                ("is_new_person", models.BooleanField(default=False)),
                ("is_second_look", models.BooleanField(default=False)),
                ("score", models.FloatField(default=0)),
                ("script", models.CharField(blank=True, max_length=4)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_by", models.UUIDField(null=True)),
                (
                    "claimed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cases",
                        to="comments.comment",
                    ),
                ),
                (
                    "discussion",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.discussion",
                    ),
                ),
            ],
            options={
                "verbose_name": "case",
                "verbose_name_plural": "cases",
                "indexes": [
                    models.Index(fields=["comment", "id"], name="case_comment"),
                    models.Index(
                        condition=models.Q(("closed_by", None), _negated=True),
                        fields=["closed_by"],
                        name="case_closed_by",
                    ),
                    models.Index(
                        condition=models.Q(("closed_at", None)), fields=["due_at", "id"], name="case_due"
                    ),
                    models.Index(
                        condition=models.Q(("closed_at", None)), fields=["discussion"], name="case_discussion"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)), fields=("comment",), name="case_one_open"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Appeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_edit", models.BooleanField(default=False)),
                ("revision", models.PositiveIntegerField()),
                ("words", models.TextField(blank=True, max_length=2000)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "against",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.transition",
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appeals",
                        to="comments.comment",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appeals",
                        to="moderation.case",
                    ),
                ),
            ],
            options={
                "verbose_name": "appeal",
                "verbose_name_plural": "appeals",
                "constraints": [models.UniqueConstraint(fields=("comment", "is_edit"), name="appeal_once")],
            },
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "target",
                    models.CharField(
                        choices=[
                            ("site", "Site"),
                            ("discussion", "Discussion"),
                            ("comment", "Comment"),
                            ("sanction", "Sanction"),
                            ("rule", "Rule"),
                            ("article", "Article"),
                            ("desk", "Desk"),
                        ],
                        max_length=10,
                    ),
                ),
                ("target_id", models.BigIntegerField()),
                ("field", models.CharField(max_length=20)),
                ("old", models.JSONField(null=True)),
                ("new", models.JSONField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="moderation.batch",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["target", "target_id", "field", "id"], name="change_target")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("batch", "target", "target_id", "field"), name="change_once_a_batch"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Desk",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "alert_hours",
                    models.PositiveIntegerField(
                        default=4, verbose_name="hours after which moderators are e-mailed"
                    ),
                ),
                ("alert_from", models.TimeField(default=datetime.time(8, 0), verbose_name="not before")),
                ("alert_until", models.TimeField(default=datetime.time(22, 0), verbose_name="not after")),
                ("alerted_at", models.DateTimeField(editable=False, null=True)),
                (
                    "honest_may_wait",
                    models.FloatField(
                        db_default=1.0,
                        default=1.0,
                        editable=False,
                        validators=[
                            django.core.validators.MinValueValidator(0.1),
                            django.core.validators.MaxValueValidator(20),
                        ],
                        verbose_name="honest comments in 100 that may wait because of the filter",
                    ),
                ),
                (
                    "filter",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.filter",
                    ),
                ),
            ],
            options={
                "verbose_name": "moderation settings",
                "verbose_name_plural": "moderation settings",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="desk_is_one_row")
                ],
            },
        ),
        migrations.CreateModel(
            name="Group",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "shared text"),
                            ("repeat", "duplicates of one comment"),
                            ("link", "shared link or domain"),
                            ("name", "names of one pattern"),
                            ("origin", "one IP address"),
                            ("burst", "one burst"),
                            ("late", "late promotional spam"),
                            ("missing", "text missing"),
                            ("rule", "found by a rule"),
                            ("queue", "all of a queue"),
                            ("emptying", "to be deleted permanently"),
                        ],
                        max_length=10,
                    ),
                ),
                ("run", models.UUIDField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("size", models.PositiveIntegerField()),
                ("shared", models.JSONField(default=dict)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "act",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.batch",
                    ),
                ),
                (
                    "original",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "group",
                "verbose_name_plural": "groups",
                "ordering": ["-size", "id"],
                "indexes": [models.Index(fields=["run", "-size"], name="group_run")],
            },
        ),
        migrations.CreateModel(
            name="Look",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("until", models.BigIntegerField(default=0)),
                ("comments", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name": "scan for similar comments",
                "verbose_name_plural": "scans for similar comments",
                "indexes": [models.Index(fields=["-asked_at"], name="look_asked")],
            },
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("likeness", models.FloatField()),
                ("clues", models.PositiveIntegerField(default=0)),
                ("seen", models.BigIntegerField(null=True)),
                (
                    "comment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="moderation.group",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["comment"], name="member_comment")],
                "constraints": [models.UniqueConstraint(fields=("group", "comment"), name="member_once")],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField(max_length=5000)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="comments.comment",
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="accounts.guest",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "note",
                "verbose_name_plural": "notes",
                "ordering": ["at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("receipt", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("is_child_abuse", models.BooleanField(default=False, verbose_name="it shows child abuse")),
                ("why", models.TextField(max_length=5000, verbose_name="why it is illegal")),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="your name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="your e-mail")),
                (
                    "in_good_faith",
                    models.BooleanField(
                        verbose_name="I believe in good faith that this is accurate and complete"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="moderation.case",
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="comments.comment",
                    ),
                ),
            ],
            options={
                "verbose_name": "report of illegal content",
                "verbose_name_plural": "reports of illegal content",
            },
        ),
        migrations.CreateModel(
            name="Origin",
            fields=[
                (
                    "comment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="origin",
                        serialize=False,
                        to="comments.comment",
                    ),
                ),
                ("ip_hash", models.BinaryField(max_length=16)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["ip_hash", "at"], name="origin_ip_at"),
                    models.Index(fields=["at"], name="origin_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RemovalRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("receipt", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("where", models.CharField(max_length=300)),
                (
                    "wants",
                    models.CharField(
                        choices=[("remove", "Remove it"), ("correct", "Correct it")],
                        max_length=10,
                        verbose_name="what should we do?",
                    ),
                ),
                ("what", models.TextField(max_length=5000, verbose_name="which words or which image")),
                ("why", models.TextField(max_length=5000, verbose_name="why")),
                (
                    "who",
                    models.CharField(
                        choices=[
                            ("subject", "It is about me"),
                            ("author", "I wrote it"),
                            ("agent", "I act for someone it is about"),
                            ("other", "I am someone else"),
                        ],
                        max_length=10,
                        verbose_name="who you are",
                    ),
                ),
                ("name", models.CharField(max_length=200, verbose_name="your name")),
                ("email", models.EmailField(max_length=254, verbose_name="your e-mail")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("done", "Removed"), ("corrected", "Corrected"), ("refused", "Not changed")],
                        max_length=10,
                        verbose_name="outcome",
                    ),
                ),
                ("answer", models.TextField(blank=True, max_length=5000, verbose_name="answer")),
                ("decided_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "article",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="articles.article",
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "request for removal or correction",
                "verbose_name_plural": "requests for removal or correction",
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "")), fields=["at"], name="removalrequest_open"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("outcome", "")),
                            models.Q(models.Q(("outcome", ""), _negated=True), ("decided_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="removalrequest_decided_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("spam", "spam"),
                            ("abuse", "abuse"),
                            ("off_topic", "off-topic"),
                            ("other", "other"),
                        ],
                        max_length=10,
                        verbose_name="reason",
                    ),
                ),
                ("words", models.TextField(blank=True, max_length=2000, verbose_name="details")),
                ("weight", models.FloatField(default=1)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reports",
                        to="moderation.case",
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reports",
                        to="comments.comment",
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.guest",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "report",
                "verbose_name_plural": "reports",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("guest__isnull", False), ("user", None)),
                            models.Q(("guest", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="report_by_one_person",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("user", None), _negated=True),
                        fields=("comment", "user"),
                        name="report_once_a_user",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("guest", None), _negated=True),
                        fields=("comment", "guest"),
                        name="report_once_a_guest",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleTerms",
            fields=[
                (
                    "rule",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="terms",
                        serialize=False,
                        to="moderation.rule",
                    ),
                ),
                ("text", models.TextField()),
                ("count", models.PositiveIntegerField()),
                (
                    "whole_words",
                    models.BooleanField(db_default=True, default=True, verbose_name="whole words only"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("revision", models.PositiveIntegerField()),
                ("check_name", models.CharField(max_length=30)),
                ("strength", models.FloatField()),
                ("holds", models.BooleanField()),
                ("spans", models.JSONField(default=list)),
                ("number", models.IntegerField(null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "comment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="comments.comment",
                    ),
                ),
                (
                    "filter",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.filter",
                    ),
                ),
                (
                    "twin",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="comments.comment",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="moderation.rule",
                    ),
                ),
            ],
            options={
                "verbose_name": "finding",
                "verbose_name_plural": "findings",
                "indexes": [
                    models.Index(fields=["comment", "revision"], name="finding_comment"),
                    models.Index(
                        condition=models.Q(("rule", None), _negated=True),
                        fields=["rule"],
                        name="finding_rule",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Sanction",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("warn", "warned"),
                            ("review", "all comments are reviewed first"),
                            ("pause", "paused from commenting"),
                            ("ban", "banned"),
                        ],
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(max_length=20)),
                ("words", models.TextField(blank=True, max_length=2000)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("until", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("told_at", models.DateTimeField(null=True)),
                ("told_end_at", models.DateTimeField(null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("asked_words", models.TextField(blank=True, max_length=2000, verbose_name="details")),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="moderation.batch"
                    ),
                ),
                (
                    "guest",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sanctions",
                        to="accounts.guest",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sanctions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "sanction",
                "verbose_name_plural": "sanctions",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("guest__isnull", False), ("user", None)),
                            models.Q(("guest", None), ("user__isnull", False)),
                            _connector="OR",
                        ),
                        name="sanction_of_one_person",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("child_abuse", "child abuse"),
                            ("child", "a child's personal data"),
                            ("court", "order of a court or an authority"),
                            ("personal", "someone's private data"),
                            ("other", "other"),
                        ],
                        max_length=12,
                        verbose_name="reason",
                    ),
                ),
                ("is_held", models.BooleanField(default=False, verbose_name="legal hold")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("author_name", models.CharField(blank=True, max_length=200)),
                ("author_email", models.EmailField(blank=True, max_length=254)),
                ("ip_hash", models.BinaryField(max_length=16, null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="moderation.batch"
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seals",
                        to="comments.comment",
                    ),
                ),
            ],
            options={
                "verbose_name": "restriction",
                "verbose_name_plural": "restrictions",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at", None)),
                        fields=("comment",),
                        name="seal_one_on_a_comment",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SealedText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("revision", models.PositiveIntegerField()),
                ("body", models.TextField()),
                ("is_redacted", models.BooleanField(db_default=False, default=False)),
                ("replaced_at", models.DateTimeField(null=True)),
                (
                    "seal",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="texts",
                        to="moderation.seal",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("seal", "revision"), name="sealedtext_once")],
            },
        ),
        migrations.CreateModel(
            name="SealReading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("is_export", models.BooleanField(default=False)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "seal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readings",
                        to="moderation.seal",
                    ),
                ),
            ],
            options={
                "verbose_name": "reading of a restricted text",
                "verbose_name_plural": "readings of restricted texts",
            },
        ),
        migrations.CreateModel(
            name="SecondOpinion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("to_state", models.CharField(blank=True, max_length=10)),
                ("given_at", models.DateTimeField(null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="comments.comment"
                    ),
                ),
                (
                    "first",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="moderation.batch"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("comment", "first"), name="secondopinion_once")
                ],
            },
        ),
    ]
    operations = [IndependentOperations(operations)]
