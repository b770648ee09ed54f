"""The id of a request, and which one a proxy may choose."""

import pytest
from pytest_django import Settings

from core.monitoring.request_ids import choose_id


def test_a_new_id_is_made() -> None:
    first, second = choose_id(""), choose_id("")
    assert len(first) == 16
    assert first != second


@pytest.mark.parametrize(
    "sent",
    [
        "0123456789abcdef0123456789abcdef",
        "c0ffee00-1111-2222-3333-444455556666",
        "Root=1-67891233-abcdef012345678912345678",
        "7F000001:8296_7F00001E:1F90_4F7B0A69_0003:790",
    ],
)
def test_an_id_is_taken_from_a_trusted_proxy_only(sent: str, settings: Settings) -> None:
    assert choose_id(sent) != sent
    settings.BEHIND_PROXY = True
    assert choose_id(sent) == sent


@pytest.mark.parametrize(
    "sent", ["short", "x" * 129, "two words", "a\nsecond line", "jim@example.org", "<script>", "é" * 10]
)
def test_an_id_of_another_form_is_replaced(sent: str, settings: Settings) -> None:
    settings.BEHIND_PROXY = True
    assert choose_id(sent) != sent
