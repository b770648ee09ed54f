from typing import Self, TypeVar

from django.db import models

_Model = TypeVar("_Model", bound=models.Model, covariant=True)

class TreeQuerySet(models.QuerySet[_Model]):
    def get_descendants(self, include_self: bool = ...) -> Self: ...
    def get_ancestors(self, include_self: bool = ...) -> Self: ...
