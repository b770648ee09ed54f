"""Phone numbers and e-mail addresses that are found in texts, and figures that are none."""

import pytest

from moderation.features.contacts import find_contacts


@pytest.mark.parametrize(
    "text",
    [
        "Call +44 171 555 3210 now",
        "(0171) 555-3210, ask for Jim",
        "0044.171.555.3210",
        "0171/5553210",
    ],
)
def test_one_number_is_the_same_however_it_is_written(text):
    assert find_contacts(text) == {"715553210"}


@pytest.mark.parametrize(
    "text",
    [
        "on 2004-06-02 12:30",
        "12.06.2004 1234",
        "version 2.6.16.21-0.25",
        "192.168.237.100",
        "10 000 000 000 euros",
        "IBAN DE12 3456 7890 1234 5678 90",
        "from 1985 to 1999",
        "x0171 5553210",
    ],
)
def test_other_figures_are_no_phone_numbers(text):
    assert find_contacts(text) == frozenset()


def test_addresses_are_compared_in_lower_case():
    assert find_contacts("Write to Jim@Boats.example") == {"jim@boats.example"}
