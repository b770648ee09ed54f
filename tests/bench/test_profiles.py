"""The shares that bench.profiles gives."""

import pytest
from django.db import connection

from accounts.models import User
from bench import profiles

pytestmark = pytest.mark.django_db


def test_a_wait_counts_for_the_function_that_needs_the_result() -> None:
    def work(_profiler: profiles.Profiler) -> None:
        User.objects.create_user("ada@example.org", name="Ada")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")

    found = profiles.profile_call(work)

    assert sum(found.parts.values()) == pytest.approx(1)
    assert sum(found.functions.values()) == pytest.approx(1)
    waits = {name: share for name, share in found.functions.items() if name.startswith(profiles.WAITING)}
    assert sum(waits.values()) == pytest.approx(found.parts[profiles.WAITING])
    assert f"{profiles.WAITING}: accounts.models.UserManager.create_user" in waits


def test_the_time_of_a_function_is_complete_after_a_statement() -> None:
    def work(_profiler: profiles.Profiler) -> None:
        User.objects.exists()
        sum(range(5_000_000))  # takes a tenth of a second, and the statement a thousandth

    found = profiles.profile_call(work)

    name = "tests.bench.test_profiles.test_the_time_of_a_function_is_complete_after_a_statement.work"
    assert found.functions[name] > 0.1


def test_time_after_the_profile_was_stopped_does_not_count() -> None:
    def work(profiler: profiles.Profiler) -> None:
        profiler.stop()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")

    assert profiles.WAITING not in profiles.profile_call(work).parts
