from typing import Literal, TypeAlias, TypeVar

from django.db import models

Position: TypeAlias = Literal["first-child", "last-child", "left", "right"]
_Model = TypeVar("_Model", bound=models.Model, covariant=True)

class TreeManager(models.Manager[_Model]):
    def move_node(
        self, node: models.Model, target: models.Model | None, position: Position = ...
    ) -> None: ...
