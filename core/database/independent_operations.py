"""Operations for migrations that apply several others, with one state of the models for all of them."""

from collections.abc import Sequence
from typing import Any

from django.db.migrations import SeparateDatabaseAndState
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


class StateOperations(SeparateDatabaseAndState):
    """Change the models of the migrations alone, for instance to rename a field that keeps its column.

    The operations may depend on each other, because none of them runs in the database.
    """

    serialization_expand_args = ["operations"]

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations
        super().__init__(state_operations=[IndependentOperations(operations)])

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__qualname__, [], {"operations": self.operations}
