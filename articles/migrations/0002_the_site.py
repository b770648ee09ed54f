from django.db import migrations


def make_site(apps, schema_editor):
    apps.get_model("articles", "Site").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("articles", "0001_initial")]

    operations = [migrations.RunPython(make_site, migrations.RunPython.noop)]
