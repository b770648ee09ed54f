from django.db import migrations, models


class Migration(migrations.Migration):
    """Take lft out of all indexes, so that a reply which shifts half of its tree writes rows and no index."""

    dependencies = [("comments", "0025_unposted_reason")]

    operations = [
        migrations.AddIndex("comment", models.Index(fields=["tree_id"], name="comment_tree")),
        migrations.RemoveConstraint("comment", "comment_place"),
    ]
