"""The hashes of words and runs of characters, which the weights of a release and of a site rest on."""

from itertools import batched, pairwise
from zlib import crc32

import pytest

from moderation.spam_filter.classifier import ngrams


@pytest.mark.parametrize("text", ["a", "ab", "The ferry\n left at 9", "Été: 渡し船 😀", "\ud800 broken"])
def test_each_slot_is_the_hash_of_a_word_a_pair_or_a_run(text):
    plain = " ".join(text.replace("9", "0").split())
    words = [word for word in plain.replace(":", "").split() if word.isalpha()]
    padded = f" {plain} "
    runs = [
        padded[n : n + size].encode("utf-32-le", "replace")
        for size in (3, 4, 5)
        for n in range(len(padded) - size + 1)
    ]
    hashes = [
        *(crc32(word.encode(), 1) for word in words),
        *(crc32(f"{a} {b}".encode(), 2) for a, b in pairwise(words)),
        *(crc32(run, 3) for run in runs),
    ]
    assert ngrams.body_slots(text) == list(dict.fromkeys(found % 2**17 for found in hashes))


def test_slots_are_the_same_after_more_characters_than_are_remembered():
    before = ngrams.body_slots("渡し船は港を離れ")
    others = "".join(chr(0x20000 + code) for code in range(ngrams.MAX_REMEMBERED + 1))
    for part in batched(others, ngrams.MAX_CHARACTERS["body"]):
        assert ngrams.body_slots("".join(part))
    assert ngrams.body_slots("渡し船は港を離れ") == before
