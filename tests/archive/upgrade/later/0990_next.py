from pkgutil import iter_modules

from django.db import migrations

import archive.migrations

LAST = max(found.name for found in iter_modules(archive.migrations.__path__))


class Migration(migrations.Migration):
    dependencies = [("archive", LAST)]

    operations = [
        migrations.RunSQL(
            "CREATE TABLE archive_next AS SELECT id, title FROM articles_article", "DROP TABLE archive_next"
        )
    ]
