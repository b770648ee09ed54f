"""Limits of text lengths, checked by the database."""

from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual


def max_length_constraint(field: str, characters: int, *, name: str) -> models.CheckConstraint:
    """Return a constraint by which the database refuses a longer text in this field."""
    return models.CheckConstraint(condition=LessThanOrEqual(Length(field), characters), name=name)
