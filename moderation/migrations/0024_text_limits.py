import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models

from core.database.independent_operations import IndependentOperations


class Migration(migrations.Migration):
    dependencies = [("moderation", "0023_longer_names")]

    operations = [
        migrations.AddConstraint(
            model_name="appeal",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("words"), 2000
                ),
                name="appeal_words_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("text"), 5000
                ),
                name="moderator_note_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("why"), 5000
                ),
                name="notice_why_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="removalrequest",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("what"), 5000
                ),
                name="removalrequest_what_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="removalrequest",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("why"), 5000
                ),
                name="removalrequest_why_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="removalrequest",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("answer"), 5000
                ),
                name="removalrequest_answer_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("words"), 2000
                ),
                name="report_words_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="sanction",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("words"), 2000
                ),
                name="sanction_words_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="sanction",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("asked_words"), 2000
                ),
                name="sanction_asked_words_length",
            ),
        ),
    ]
    operations = [IndependentOperations(operations)]
