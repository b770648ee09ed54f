import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.database.table_guards import RestrictWebLogin, append_only, dated_now

# For triggers of all apps. A trigger that refuses a write is named after its rule, and its message states the rule.
REFUSALS = """
CREATE FUNCTION refuse_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0]
    USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
END $$;
CREATE FUNCTION dated_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM lines WHERE at <> statement_timestamp()) THEN
    RAISE EXCEPTION 'A line of % is dated otherwise than now.', TG_TABLE_NAME
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END $$"""
NO_REFUSALS = "DROP FUNCTION dated_now(); DROP FUNCTION refuse_write()"

# Log the roles that people have already. It is unknown who gave them.
FILL = """
INSERT INTO accounts_rolechange (user_id, role_id, is_granted)
SELECT user_id, group_id, true FROM accounts_user_groups ORDER BY id"""

# The log row is written first, and a role changes only as its last log row says. At the end of the transaction
# each new log row has to be true, so that no later change can use the row of an earlier transaction.
LOGGED = """
CREATE FUNCTION accounts_role_is_logged() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  membership accounts_user_groups := coalesce(NEW, OLD);
  line accounts_rolechange;
BEGIN
  SELECT * INTO line FROM accounts_rolechange
    WHERE user_id = membership.user_id AND role_id = membership.group_id ORDER BY id DESC LIMIT 1;
  IF (line.is_granted = (TG_OP = 'INSERT')) IS NOT TRUE THEN
    RAISE EXCEPTION 'A role of account % changes, and no line of accounts_rolechange tells it.',
      membership.user_id USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER role_is_logged AFTER INSERT OR DELETE ON accounts_user_groups
  FOR EACH ROW EXECUTE FUNCTION accounts_role_is_logged();
CREATE TRIGGER role_is_not_changed BEFORE UPDATE ON accounts_user_groups FOR EACH ROW
  EXECUTE FUNCTION refuse_write('A role is granted or taken away, and never given to somebody else.');
CREATE FUNCTION accounts_rolechange_is_true() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM accounts_rolechange
                 WHERE user_id = NEW.user_id AND role_id = NEW.role_id AND id > NEW.id)
    AND NEW.is_granted <> EXISTS (SELECT FROM accounts_user_groups
                                  WHERE user_id = NEW.user_id AND group_id = NEW.role_id) THEN
    RAISE EXCEPTION 'A line of accounts_rolechange tells of a change of a role that was not made.'
      USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER rolechange_is_true AFTER INSERT ON accounts_rolechange
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_rolechange_is_true()"""
NOT_LOGGED = """
DROP TRIGGER rolechange_is_true ON accounts_rolechange;
DROP FUNCTION accounts_rolechange_is_true();
DROP TRIGGER role_is_not_changed ON accounts_user_groups;
DROP TRIGGER role_is_logged ON accounts_user_groups;
DROP FUNCTION accounts_role_is_logged()"""


class Migration(migrations.Migration):
    """Log each change of a role, and let migrations alone change what a role may do."""

    dependencies = [
        ("accounts", "0005_sign_ups_and_login_attempts"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("comments", "0002_functions_and_triggers"),  # creates the function append_only
    ]

    operations = [
        migrations.CreateModel(
            name="RoleChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("is_granted", models.BooleanField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="auth.group",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="role_changes",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a role",
                "verbose_name_plural": "changes of roles",
                "indexes": [models.Index(fields=["user", "role", "id"], name="rolechange_last")],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RunSQL(REFUSALS, NO_REFUSALS),
        *append_only("accounts_rolechange", "rolechange"),
        dated_now("accounts_rolechange", "rolechange"),
        migrations.RunSQL(LOGGED, NOT_LOGGED),
        # Migrations create the roles and their permissions. To lock a role's row, the login needs the right
        # to update one of its columns: its id, which never changes.
        RestrictWebLogin(
            "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON auth_group, auth_group_permissions, auth_permission, "
            "accounts_user_user_permissions FROM {web}",
            "GRANT UPDATE (id) ON auth_group TO {web}",
        ),
    ]
