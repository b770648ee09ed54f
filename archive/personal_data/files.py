"""Files of personal data: a person requests one, a job creates it, and another deletes it after a week.

A file is a ZIP in the storage (core/files), which only its person can download. It holds data.json, and
index.html with the same records for people.
"""

import json
import tempfile
import zipfile
from datetime import datetime, timedelta
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.template import engines
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django_tasks import task

from accounts.emails import confirmed_email_condition
from archive.models import PersonalDataFile
from archive.personal_data.contents import read_sections
from archive.personal_data.contents.sections import Section
from articles.site.current_site import read_site
from articles.site.languages import in_language_of
from core.dates.formats import time_formatter
from core.files import storage
from core.mail.composition import compose_mail
from moderation.people.data_subject import DataSubject
from moderation.people.profiles import Person

FORMAT = "soundoff-personal-data-1"
FILE_RETENTION = timedelta(days=7)
REQUEST_INTERVAL = timedelta(days=1)  # between two files of a person, as each reads all their comments
CREATION_TIMEOUT = timedelta(hours=1)  # after which a request counts as lost, and can be repeated
FOLDER = "personal_data"  # in the storage


def current_file(person: Person) -> PersonalDataFile | None:
    """Return the file that this person can download now or that is being made, or None."""
    row = PersonalDataFile.objects.filter(**person.as_fields).first()
    if row is None:
        return None
    if row.ready_at is None:
        return row if timezone.now() - row.requested_at < CREATION_TIMEOUT else None
    return row if timezone.now() < expires_at(row) and storage().exists(file_name(row.pk)) else None


def expires_at(row: PersonalDataFile) -> datetime:
    """Return the time at which a file that is ready is deleted."""
    return (row.ready_at or row.requested_at) + FILE_RETENTION


def next_request_at(row: PersonalDataFile) -> datetime:
    """Return the time from which the person of this file can request a new one."""
    return row.requested_at + REQUEST_INTERVAL


def request_file(person: Person) -> PersonalDataFile | None:
    """Store a request for a file; an earlier file is deleted.

    Returns None while one is being made, and before `next_request_at`.
    """
    with transaction.atomic():
        person.lock()
        current = current_file(person)
        if current and (current.ready_at is None or timezone.now() < next_request_at(current)):
            return None
        delete_files(person)
        row = PersonalDataFile.objects.create(**person.as_fields)
        make_file.enqueue(str(row.pk))
    return row


def delete_files(person: Person) -> None:
    """Delete the request and the file of this person."""
    rows = PersonalDataFile.objects.filter(**person.as_fields)
    for pk in rows.values_list("pk", flat=True):
        # If this fails, the hourly job deletes the file.
        transaction.on_commit(partial(storage().delete, file_name(pk)), robust=True)
    rows.delete()


@task(priority=-10)
def make_file(pk: str) -> int:
    """Make the file of a request, and mail the person who requested it. Return the number of mails."""
    row = PersonalDataFile.objects.filter(pk=pk, ready_at=None).select_related("user", "guest").first()
    if row is None:
        return 0
    site = read_site()
    with timezone.override(site.zone), in_language_of(row.user, site):
        _make(row)
        return _mail(pk)


def _make(row: PersonalDataFile) -> None:
    """Make the file, and note that it is ready. Raises OSError."""
    with storage().write(file_name(row.pk)) as path, path.open("wb") as file:
        _write(file, DataSubject.for_export(Person(user=row.user, guest=row.guest)))
    if not PersonalDataFile.objects.filter(pk=row.pk).update(ready_at=timezone.now()):
        storage().delete(file_name(row.pk))  # the account was erased meanwhile


def _mail(pk: str) -> int:
    """Tell a person by mail that their file is ready, if their e-mail is confirmed."""
    rows = PersonalDataFile.objects.filter(confirmed_email_condition(), pk=pk).exclude(ready_at=None)
    row = rows.select_related("user", "guest").first()
    person = row and (row.user or row.guest)
    if not row or not person:
        return 0
    mail = compose_mail(
        "archive/personal_data/mail/file.txt",
        gettext("Your data is ready"),
        person.email,
        site=read_site(),
        path=reverse("my-data-file"),
        last_day=time_formatter().date_text(timezone.localtime(expires_at(row))),
        is_guest=row.guest is not None,
    )
    return mail.send()


def file_name(pk: UUID) -> str:
    """Return the name of the file of a request in the storage."""
    return f"{FOLDER}/{pk}.zip"


def delete_expired() -> int:
    """Delete files after FILE_RETENTION, and files without a request. An hourly job. Returns their number."""
    now, deleted = timezone.now(), 0
    PersonalDataFile.objects.filter(requested_at__lt=now - FILE_RETENTION, ready_at=None).delete()
    PersonalDataFile.objects.filter(ready_at__lt=now - FILE_RETENTION).delete()
    PersonalDataFile.objects.filter(Q(user__name="") | Q(guest__name="")).delete()  # files of erased people
    known = {file_name(pk) for pk in PersonalDataFile.objects.values_list("pk", flat=True)}
    for file in list(storage().list_files(FOLDER)):
        if file.name not in known and (file.name.endswith(".zip") or file.modified < now - CREATION_TIMEOUT):
            storage().delete(file.name)
            deleted += 1
    return deleted


def _write(file: Any, subject: DataSubject) -> None:
    """Write the ZIP. Each record is read once, and written into both of its files."""
    site = read_site()
    page: Any = engines["jinja2"].env.get_template("archive/personal_data/file.jinja").module  # type: ignore[attr-defined]
    heading: dict[str, Any] = {"site": site.name, "url": settings.SITE_URL, "made_at": timezone.now()}
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        tempfile.TemporaryFile("w+", encoding="utf-8", dir=Path(file.name).parent) as html,
    ):
        with (
            archive.open("data.json", "w", force_zip64=True) as raw,
            TextIOWrapper(raw, encoding="utf-8") as data,
        ):
            data.write("{")
            _write_pairs(data, {"format": FORMAT, **heading})
            html.write(page.start(**heading))
            for section in read_sections(subject):
                _write_section(data, html, page, section)
            html.write(page.end())
            data.write("\n}\n")
        html.seek(0)
        with archive.open("index.html", "w", force_zip64=True) as out:
            while text := html.read(1 << 16):
                out.write(text.encode())


def _write_pairs(data: TextIO, values: dict[str, Any]) -> None:
    pairs = (f"\n {_dump(key)}: {_dump(value)}" for key, value in values.items())
    data.write(",".join(pairs))


def _write_section(data: TextIO, html: TextIO, page: Any, section: Section) -> None:
    data.write(f",\n {_dump(section.key)}: [")
    html.write(page.section_start(section))
    count = 0
    for record in section.records:
        data.write(("," if count else "") + "\n  " + _dump(record))
        html.write(page.record(section.labels, section.describe(record)))
        count += 1
    html.write(page.section_end(count))
    data.write("]")


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=datetime.isoformat)
