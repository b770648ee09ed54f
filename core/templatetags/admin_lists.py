"""A template filter for the lists of the admin."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

register = template.Library()

_TAG = re.compile(r"^\s*<t[dh]\b")
_EMPTY = ">-</td>"  # as Django shows a missing value


@register.filter
def label_cells(cells: Iterable[SafeString], headers: Iterable[Mapping[str, Any]]) -> list[SafeString]:
    """Return the cells of a row with the name of their column as `data-label`, which narrow screens show.

    A missing value gets `data-empty` instead, so that narrow screens leave it out.
    """
    labelled = []
    for cell, header in zip(cells, headers, strict=True):
        if "action-checkbox-column" in (header.get("class_attrib") or ""):
            labelled.append(cell)
            continue
        label = f'data-label="{escape(capfirst(header["text"]))}"'
        attribute = "data-empty" if cell.endswith(_EMPTY) else label
        start = _TAG.match(cell)
        assert start, cell
        labelled.append(mark_safe(f"{start[0]} {attribute}{cell[start.end() :]}"))  # noqa: S308
    return labelled
