from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.services import erase_guest
from core import erasure_log
from core.erasure_log import Erasure
from core.errors import UserError
from tests.factories import GuestFactory

pytestmark = pytest.mark.usefixtures("own_folder")

MADE = datetime(2026, 11, 26, 1, 2, 3, 4, tzinfo=UTC).isoformat()


def read() -> list[Erasure]:
    return list(erasure_log.read(erasure_log.path())) if erasure_log.path().exists() else []


def test_lines_are_appended_without_personal_data() -> None:
    one, two = Erasure("comment", 5, MADE, "spam", "spam"), Erasure("sealed", 6, MADE, is_held=True)
    erasure_log.append([one])
    erasure_log.append([two])
    erasure_log.append([])
    assert [(e.kind, e.id, e.made, e.state, e.reason, e.is_held) for e in read()] == [
        ("comment", 5, MADE, "spam", "spam", False),
        ("sealed", 6, MADE, "", "", True),
    ]
    assert all(e.at for e in read())
    assert erasure_log.path().stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_erasure_is_not_logged() -> None:
    guest = GuestFactory.create()
    with transaction.atomic():
        erase_guest(guest=guest)
        transaction.set_rollback(True)
    assert read() == []
    erase_guest(guest=guest)
    assert [(e.kind, e.id) for e in read()] == [("guest", guest.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_write_error_does_not_stop_the_erasure(caplog: pytest.LogCaptureFixture) -> None:
    erasure_log.path().mkdir()
    guest = GuestFactory.create()
    erase_guest(guest=guest)
    guest.refresh_from_db()
    assert guest.name == ""
    assert "restoring an older backup would undo this erasure" in caplog.text
    job = DBTaskResult.objects.get()
    assert job.run_after > timezone.now()

    erasure_log.path().rmdir()
    later = GuestFactory.create()
    erase_guest(guest=later)
    erasure_log.write_erasures.call(*job.args_kwargs["args"])
    assert [(e.kind, e.id) for e in read()] == [("guest", later.pk), ("guest", guest.pk)]
    assert [e.id for e in sorted(read(), key=lambda e: e.at)] == [guest.pk, later.pk]


def test_a_truncated_line_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    erasure_log.append([Erasure("guest", 1, MADE), Erasure("guest", 2, MADE)])
    whole = erasure_log.path().read_text()
    erasure_log.path().write_text(whole[:-10])
    assert [e.id for e in read()] == [1]
    assert "line 2 is cut" in caplog.text
    erasure_log.append([Erasure("guest", 3, MADE)])
    assert [e.id for e in read()] == [1, 3]


@pytest.mark.parametrize(
    "text", ["A letter.", "[1]", '{"id": 1}', '{"what": "guest", "id": "x", "made": ""}']
)
def test_a_file_that_is_not_an_erasure_log_is_refused(text: str) -> None:
    erasure_log.path().write_text(text)
    with pytest.raises(UserError, match="is not an erasure log: line 1"):
        read()
