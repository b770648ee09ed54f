from django.db import migrations, models

# In place of Django's own operations, which would build all models for it.
RENAME_CONTENT_TYPE = """
UPDATE django_content_type SET model = '{new}' WHERE app_label = 'accounts' AND model = '{old}'
  AND NOT EXISTS (SELECT FROM django_content_type WHERE app_label = 'accounts' AND model = '{new}');
UPDATE auth_permission p
SET codename = replace(p.codename, '{old}', '{new}'), name = replace(p.name, '{old_label}', '{new_label}')
FROM django_content_type c
WHERE c.id = p.content_type_id AND c.app_label = 'accounts' AND c.model = '{new}'
  AND p.codename IN ('add_{old}', 'change_{old}', 'delete_{old}', 'view_{old}')"""
BEFORE = {"name": "loginattempts", "label": "login attempts"}
AFTER = {"name": "failedlogincount", "label": "failed login count"}


def rename_content_type(old: dict[str, str], new: dict[str, str]) -> str:
    return RENAME_CONTENT_TYPE.format(
        old=old["name"], new=new["name"], old_label=old["label"], new_label=new["label"]
    )


class Migration(migrations.Migration):
    """Rename a model and fields in the models alone: the tables and columns keep their names.

    Servers of the version before use these. The content type and its permissions, which Django makes and
    nobody has, get the new name, so that none of the old name stay.
    """

    dependencies = [("accounts", "0014_lower_case_emails")]

    operations = [
        migrations.RunSQL(rename_content_type(BEFORE, AFTER), rename_content_type(AFTER, BEFORE)),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("LoginAttempts", "FailedLoginCount"),
                migrations.AlterModelTable("failedlogincount", "accounts_loginattempts"),
                migrations.RemoveConstraint("failedlogincount", "loginattempts_place"),
                migrations.RenameField("failedlogincount", "account", "account_hash"),
                migrations.AlterField(
                    "failedlogincount",
                    "account_hash",
                    models.BinaryField(db_column="account", max_length=32),
                ),
                migrations.RenameField("failedlogincount", "origin", "origin_hash"),
                migrations.AlterField(
                    "failedlogincount", "origin_hash", models.BinaryField(db_column="origin", max_length=32)
                ),
                migrations.RenameField("failedlogincount", "wrong", "count"),
                migrations.AlterField(
                    "failedlogincount", "count", models.PositiveIntegerField(db_column="wrong")
                ),
                migrations.AddConstraint(
                    "failedlogincount",
                    models.UniqueConstraint(
                        fields=("account_hash", "origin_hash"), name="loginattempts_place"
                    ),
                ),
                migrations.RenameField("undeliverableemail", "answer", "server_response"),
                migrations.AlterField(
                    "undeliverableemail",
                    "server_response",
                    models.CharField(db_column="answer", max_length=500),
                ),
            ]
        ),
    ]
