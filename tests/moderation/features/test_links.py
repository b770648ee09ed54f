"""Links in a text, and their hosts."""

import pytest

from moderation.features.links import blank_spans, host, hosts_of, split_url, typed_links


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://www.Example.com/a", "example.com"),
        ("example.com", "example.com"),
        ("http://[::1", None),
        ("nowhere", None),
        ("", None),
        ("http://example.com/" + "x" * 2_000, None),
    ],
)
def test_a_site_is_a_url_with_a_host(url, name):
    parts = split_url(url)
    assert (host(parts) if parts else None) == name


@pytest.mark.parametrize(
    ("text", "all_links", "hosts"),
    [
        (
            "See HTTPS://www.A.example/x, and www.b.example.",
            ["HTTPS://www.A.example/x,", "www.b.example."],
            {"a.example", "b.example"},
        ),
        ("shop.example.com/deal is cheap", ["shop.example.com/deal"], set()),
        (
            "(http://a.example, or http://b.example!)",
            ["http://a.example,", "http://b.example!"],
            {"a.example", "b.example"},
        ),
        ("Neither www nor ann@example.com is a link.", [], set()),
    ],
)
def test_links_as_they_are_typed(text, all_links, hosts):
    assert [m[0] for m in typed_links(text, bare_hosts=True)] == all_links
    assert hosts_of(typed_links(text)) == hosts


def test_blanked_spans_may_overlap():
    assert blank_spans("a bcd ef", [(2, 5), (3, 4), (4, 6)]) == "a     ef"
