import psycopg2
import pytest
from django.db import connection

from tests.helpers.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_connection_closed_by_the_server_is_detected_before_use(transactional_db: None):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    assert connection.is_usable()
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    other = psycopg2.connect(**parameters)
    other.cursor().execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    until(lambda: not connection.is_usable())

    # The state at the start of a request.
    connection.health_check_enabled, connection.health_check_done = True, False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
