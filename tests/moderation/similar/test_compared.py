"""The parts of a comment's body that a scan compares."""

import tracemalloc
from itertools import product

from moderation.similar.compared import ComparedComments, read_body
from tests.moderation.similar.grouping_rows import STORY, row


def test_links_and_contacts_are_no_words():
    body = "Jim’s boats: https://www.Cheap.example/0171-555-3210, or ring 0171 555 3219 (jim@boats.example)"
    words, hosts, contacts = read_body(body)

    assert words == ["jim's", "boats", "or", "ring"]
    assert hosts == {"cheap.example"}
    assert contacts == {"715553219", "jim@boats.example"}


def test_comments_with_hundreds_of_addresses_take_little_memory():
    words = " ".join(map("".join, product("bdfgklmnpr", "aeiou", "bdfgklmnpr", "ao")))
    addresses = [" ".join(f"a{n}@b{k}.example" for n in range(400)) for k in range(20)]
    rows = [row(f"{some} {words}", minutes=k) for k, some in enumerate(addresses)]
    tracemalloc.start()
    try:
        ComparedComments(rows, {1: STORY})
        assert tracemalloc.get_traced_memory()[1] < 20_000_000  # bytes
    finally:
        tracemalloc.stop()
