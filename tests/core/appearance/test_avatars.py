"""Initials and hues of avatars."""

import re

import pytest

from core.appearance.avatars import HUES, avatar, initials


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Marit Holm", "MH"),
        ("Jun", "JU"),
        ("bettina at the kiosk", "BK"),
        ("Dr. P. Okonjo", "DO"),
        ("x", "X"),
        ("“Old” Hendry", "OH"),
        ("realist_99", "RE"),
        ("يوسف النجار", "ي"),
        ("김하늘", "김"),
        ("ßen", "SS"),
        ("🙂 !", "?"),
        ("", "?"),
        ("42", "4"),
    ],
)
def test_initials_are_those_of_the_first_and_last_word(name, expected):
    assert initials(name) == expected


def test_a_name_keeps_its_hue_and_all_hues_are_used():
    hues = {re.search(r"h(\d+)", avatar(f"Reader {n}"))[1] for n in range(200)}
    assert hues == {str(n) for n in range(1, HUES + 1)}
    assert avatar("Jun") == avatar("Jun")


def test_a_name_adds_no_markup():
    assert avatar("<b> <i>").count("<") == 2
    assert avatar("& &").count("&") == 0
