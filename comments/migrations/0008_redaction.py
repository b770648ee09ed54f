from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("comments", "0007_sealed")]

    operations = [
        migrations.AddField(
            model_name="comment",
            name="is_redacted",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="commentrevision",
            name="is_redacted",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="removalreason",
            name="code",
            field=models.SlugField(
                help_text="It can't be changed later: the audit log uses it.",
                max_length=20,
                unique=True,
                verbose_name="code",
            ),
        ),
    ]
