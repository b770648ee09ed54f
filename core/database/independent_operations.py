"""Operations for migrations: several with one state of the models for all of them, and renamed models."""

from collections.abc import Sequence
from typing import Any

from django.contrib.contenttypes.management import RenameContentType
from django.db.migrations import RenameModel, RunSQL
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class IndependentOperations(Operation):
    """Apply operations none of which needs the models that another one changes.

    Django builds the changed models again after each operation, with all models that are related to them:
    about a hundred. Here they are built once, when an operation first asks for them. That was more than half
    of the time of a new database.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    @property
    def reduces_to_sql(self) -> bool:  # type: ignore[override]
        return all(operation.reduces_to_sql for operation in self.operations)

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        return all(operation.reversible for operation in self.operations)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        state.__dict__.pop("apps", None)  # a cached property: the models
        for operation in self.operations:
            operation.state_forwards(app_label, state)
        # All models will be new. Otherwise each RunPython, such as that of a renamed content type, would
        # build them again.
        state.is_delayed = False

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation in self.operations:
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation in reversed(self.operations):
            operation.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.operations)


def rename_model(app_label: str, old: str, new: str) -> list[Operation]:
    """Return the operations that rename a model and its content type.

    Django renames the content type itself only after a RenameModel that stands alone in a migration.
    """
    return [RenameModel(old, new), RenameContentType(app_label, old.lower(), new.lower())]


def rename_content_type(app_label: str, old: tuple[str, str], new: tuple[str, str]) -> RunSQL:
    """Return the operation that renames the content type and the permissions of a model whose table stays.

    `old` and `new` are the name of the model in lower case and its verbose name. Django's own operation would
    build all models for it.
    """
    return RunSQL(_rename_content_type(app_label, old, new), _rename_content_type(app_label, new, old))


def _rename_content_type(app_label: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    (old_name, old_label), (new_name, new_label) = old, new
    return f"""
UPDATE django_content_type SET model = '{new_name}' WHERE app_label = '{app_label}' AND model = '{old_name}'
  AND NOT EXISTS (SELECT FROM django_content_type WHERE app_label = '{app_label}' AND model = '{new_name}');
UPDATE auth_permission p
SET codename = replace(p.codename, '{old_name}', '{new_name}'),
    name = replace(p.name, '{old_label}', '{new_label}')
FROM django_content_type c
WHERE c.id = p.content_type_id AND c.app_label = '{app_label}' AND c.model = '{new_name}'
  AND p.codename IN ('add_{old_name}', 'change_{old_name}', 'delete_{old_name}', 'view_{old_name}')"""
