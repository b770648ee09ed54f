"""Functions that read the HTML of a page for tests."""

import re


def repeated_ids(page: str) -> list[str]:
    """Return the ids that more than one element of a page has."""
    ids = re.findall(r'<[a-z][^>]*\sid="([^"]*)"', page)
    return sorted({each for each in ids if ids.count(each) > 1})
