from django.db import migrations

# Text between tags has no "<", so this finds nothing but links.
LINK = '<a href="((?:[A-Za-z0-9-]+[.])+[A-Za-z]{2,}(?:[/?#][^"]*)?)"'


class Migration(migrations.Migration):
    """Let `[text](example.org)` in stored comments lead there, as articles.markup.markdown does now."""

    dependencies = [
        ("comments", "0032_visits"),
    ]

    operations = [
        migrations.RunSQL(
            f"""
            UPDATE comments_comment
            SET body_html = regexp_replace(body_html, '{LINK}', '<a href="https://\\1"', 'g')
            WHERE body_html ~ '{LINK}'""",
            migrations.RunSQL.noop,
        ),
    ]
