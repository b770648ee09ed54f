# Without these, mypy takes every Comment for Any and checks nothing of it.
from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from mptt.managers import Position, TreeManager

_SetType = TypeVar("_SetType")
_GetType = TypeVar("_GetType")

class TreeForeignKey(models.ForeignKey[_SetType, _GetType]): ...

class MPTTModel(models.Model):
    lft: models.PositiveIntegerField[int, int]
    rght: models.PositiveIntegerField[int, int]
    tree_id: models.PositiveIntegerField[int, int]
    level: models.PositiveIntegerField[int, int]
    objects: ClassVar[TreeManager[Any]]
    class Meta:
        abstract = True

    def get_ancestors(self, ascending: bool = ..., include_self: bool = ...) -> models.QuerySet[Self]: ...
    def get_descendants(self, include_self: bool = ...) -> models.QuerySet[Self]: ...
    def get_descendant_count(self) -> int: ...
    def is_root_node(self) -> bool: ...
    def move_to(self, target: Self | None, position: Position = ...) -> None: ...
