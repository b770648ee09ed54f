"""Operations of migrations that apply several others."""

from django.db.migrations import AddField, RenameField
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import OperationWriter
from django.db.models import BigAutoField, CharField

from core.database.independent_operations import StateOperations


def make_operation() -> StateOperations:
    return StateOperations(
        [RenameField("story", "name", "title"), AddField("story", "slug", CharField(default=""))]
    )


def test_operations_on_the_models_alone_change_them_and_run_nothing_in_the_database() -> None:
    state = ProjectState()
    state.add_model(
        ModelState("articles", "Story", [("id", BigAutoField(primary_key=True)), ("name", CharField())])
    )
    assert hasattr(state.apps.get_model("articles", "story"), "name")
    operation = make_operation()
    operation.state_forwards("articles", state)
    fields = [field.name for field in state.apps.get_model("articles", "story")._meta.fields]
    assert fields == ["id", "title", "slug"]
    assert operation.database_operations == []


def test_a_squashed_migration_contains_them() -> None:
    written, _imports = OperationWriter(make_operation()).serialize()
    assert "StateOperations(" in written
    assert "RenameField(" in written
    assert "AddField(" in written
    name, arguments, named = make_operation().deconstruct()
    copied = StateOperations(*arguments, **named)
    assert name == "StateOperations"
    assert len(copied.operations) == len(copied.state_operations[0].operations) == 2
