from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual


def longest(field: str, characters: int, *, name: str) -> models.CheckConstraint:
    """Let the database refuse a text that is longer, whatever way it comes in."""
    return models.CheckConstraint(condition=LessThanOrEqual(Length(field), characters), name=name)
