import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models

from core.database.independent_operations import IndependentOperations


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0003_data"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="article",
            name="body",
            field=models.TextField(blank=True, help_text="Markdown.", max_length=200000, verbose_name="body"),
        ),
        migrations.AlterField(
            model_name="article",
            name="standfirst",
            field=models.TextField(blank=True, max_length=5000, verbose_name="standfirst"),
        ),
        migrations.AlterField(
            model_name="article",
            name="taken_back_why",
            field=models.TextField(blank=True, db_default="", default="", editable=False, max_length=2000),
        ),
        migrations.AlterField(
            model_name="site",
            name="rules",
            field=models.TextField(blank=True, db_default="", max_length=20000, verbose_name="rules in full"),
        ),
        migrations.AlterField(
            model_name="site",
            name="rules_in_short",
            field=models.TextField(blank=True, db_default="", max_length=300, verbose_name="rules in short"),
        ),
        migrations.AlterField(
            model_name="standingpage",
            name="body",
            field=models.TextField(blank=True, help_text="Markdown.", max_length=200000, verbose_name="body"),
        ),
        migrations.AddConstraint(
            model_name="article",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("standfirst"), 5000
                ),
                name="article_standfirst_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="article",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("body"), 200000
                ),
                name="article_body_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="article",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("taken_back_why"), 2000
                ),
                name="article_why_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="correction",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("text"), 2000
                ),
                name="correction_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("body"), 5000
                ),
                name="note_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="site",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("rules_in_short"), 300
                ),
                name="site_rules_in_short_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="site",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("rules"), 20000
                ),
                name="site_rules_length",
            ),
        ),
        migrations.AddConstraint(
            model_name="standingpage",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("body"), 200000
                ),
                name="page_body_length",
            ),
        ),
    ]
    operations = [IndependentOperations(operations)]
