from django.db import migrations, models

from core.database.independent_operations import StateOperations
from core.database.renamed_models import rename_content_type


class Migration(migrations.Migration):
    """Rename a model and fields in the models alone: the tables and columns keep their names.

    Servers of the previous version use these. The content type and its permissions, which Django makes and
    nobody has, get the new name, so that none of the old name stay.
    """

    dependencies = [("accounts", "0014_lower_case_emails")]

    operations = [
        rename_content_type(
            "accounts", ("loginattempts", "login attempts"), ("failedlogincount", "failed login count")
        ),
        StateOperations(
            [
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
