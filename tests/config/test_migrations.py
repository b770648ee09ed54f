import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)


def test_every_migration_is_atomic() -> None:
    """Every migration runs in one transaction, so a failed upgrade leaves no half of it."""
    loader = MigrationLoader(None)
    assert loader.disk_migrations
    assert [str(one) for one in loader.disk_migrations.values() if not one.atomic] == []
