from django.db import migrations

# Computes the generated column again. It does not change in comments without Arabic letters.
REBUILD_VECTORS = "UPDATE comments_commenttext SET folded = folded WHERE folded ~ '[\\u0621-\\u064A]'"


class Migration(migrations.Migration):
    """Let a search find Arabic words in stored comments as it does in new ones."""

    dependencies = [
        ("articles", "0030_search_arabic"),
        ("comments", "0037_follow_seen_comments"),
    ]

    operations = [
        migrations.RunSQL(REBUILD_VECTORS, migrations.RunSQL.noop),
    ]
