from django.db import migrations, models

FILL = """
UPDATE articles_unsaved SET typed = jsonb_build_object('title', jsonb_build_array(title),
    'standfirst', jsonb_build_array(standfirst), 'body', jsonb_build_array(body))
WHERE NOT is_done
"""


class Migration(migrations.Migration):
    dependencies = [
        ("articles", "0016_nightly_backups"),
    ]

    operations = [
        migrations.AddField(
            model_name="unsaved",
            name="typed",
            field=models.JSONField(default=dict),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RemoveField(
            model_name="unsaved",
            name="body",
        ),
        migrations.RemoveField(
            model_name="unsaved",
            name="standfirst",
        ),
        migrations.RemoveField(
            model_name="unsaved",
            name="title",
        ),
    ]
