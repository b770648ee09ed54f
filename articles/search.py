"""What full text search compares: words without case, accents or the forms of a letter.

One SQL function, made by a migration, folds what is stored and what is asked for alike.
"""

from typing import Any

from django.contrib.postgres.search import SearchVector
from django.db.models import Func, TextField

CONFIG = "english"


def folded(text: Any) -> Func:
    """A column's name or an expression: lower case, no accents; in Arabic one alef, ya and ha, no vowel signs."""
    return Func(text, function="search_fold", output_field=TextField())


def weighed(field: str, weight: str) -> SearchVector:
    """The words of one column, of weight A (a title) to D (running text)."""
    return SearchVector(folded(field), config=CONFIG, weight=weight)
