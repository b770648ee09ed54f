import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the logo, the icon and the accent colour of the site."""

    dependencies = [
        ("articles", "0022_plain_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="site",
            name="accent",
            field=models.CharField(blank=True, db_default="", max_length=7, verbose_name="accent colour"),
        ),
        migrations.AddField(
            model_name="site",
            name="icon",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="articles.image",
                verbose_name="icon",
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="logo",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="articles.image",
                verbose_name="logo",
            ),
        ),
        migrations.AddField(
            model_name="site",
            name="logo_has_name",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="the logo contains the name"
            ),
        ),
        migrations.AddConstraint(
            model_name="site",
            constraint=models.CheckConstraint(
                condition=models.Q(("accent__regex", "^(#[0-9a-f]{6})?$")), name="site_accent_is_hex"
            ),
        ),
    ]
