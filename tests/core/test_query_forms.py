"""Query strings: defaults, wrong values, and the parameters for which a wrong value is a 404."""

from uuid import uuid4

import pytest
from django import forms
from django.http import Http404, QueryDict

from core.query_forms import (
    MAX_PAGE,
    NumberField,
    PageField,
    ParsedField,
    QueryForm,
    SearchField,
    parse_uuid,
)


class ListForm(QueryForm):
    q = SearchField(limit=5)
    after = NumberField()
    page = PageField()
    days = forms.TypedChoiceField(choices=[(30, ""), (90, "")], coerce=int, initial=30)
    kind = forms.ChoiceField(choices=[("new", "")], required=False)
    order = forms.TypedChoiceField(choices=[("new", "")], empty_value=None)
    from_ = ParsedField(float)


class StrictForm(QueryForm):
    after = NumberField()
    order = forms.ChoiceField(choices=[("newest", "")])
    must_be_valid = frozenset({"after", "order"})


DEFAULTS = {"q": "", "after": None, "page": 1, "days": 30, "kind": "", "order": None, "from_": None}


def read(form: type[QueryForm], query: str) -> dict[str, object]:
    return form.read(QueryDict(query))


@pytest.mark.parametrize("query", ["", "q=&after=&page=&days=&kind=&from=", "x=1", "from_=1"])
def test_a_missing_or_empty_parameter_has_its_default(query):
    assert read(ListForm, query) == DEFAULTS


@pytest.mark.parametrize(
    "query",
    [
        *("after=x", "after=-1", "after=%2B1", "after=1.0", "after=%D9%A1", "after=%00", "after=" + "9" * 19),
        *("page=0", "page=x", "page=-1", "days=31", "days=x", "kind=x", "from=x", "from=%00"),
    ],
)
def test_a_wrong_value_has_the_default_and_spoils_no_other(query):
    assert read(ListForm, f"{query}&q=word") == DEFAULTS | {"q": "word"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("after=0", {"after": 0}),
        ("after=" + "9" * 18, {"after": 10**18 - 1}),
        ("page=2", {"page": 2}),
        ("page=" + "9" * 9, {"page": MAX_PAGE}),
        ("days=90", {"days": 90}),
        ("from=0.5", {"from_": 0.5}),
        ("q=%20a%00b%20", {"q": "a b"}),
        ("q=abcdefgh", {"q": "abcde"}),
        ("q=a&q=b", {"q": "b"}),
    ],
)
def test_a_value_is_read(query, expected):
    assert read(ListForm, query) == DEFAULTS | expected


@pytest.mark.parametrize("query", ["after=x", "order=x", "order=", "order=%00", "after=1&order=oldest"])
def test_a_wrong_value_of_a_strict_parameter_is_404(query):
    with pytest.raises(Http404):
        read(StrictForm, query)


@pytest.mark.parametrize("query", ["", "after=", "order=newest", "after=1"])
def test_a_strict_parameter_may_be_missing(query):
    assert read(StrictForm, query).keys() == {"after", "order"}


def test_a_uuid_is_read():
    key = uuid4()
    assert parse_uuid(str(key)) == key


@pytest.mark.parametrize("text", [None, "", "x", "1", "\0"])
def test_another_text_is_no_uuid(text):
    assert parse_uuid(text) is None
