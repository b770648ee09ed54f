"""Helpers for tests of the settings and of the system status."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django_tasks import task
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from comments.tasks import mail_confirmation
from config.page_cache.application import PageCacheApp
from tests.articles.images.sample_images import encode_image, photo
from tests.factories import GuestFactory
from tests.helpers.jobs import run_jobs
from tests.helpers.servers.smtp import Inbox
from tests.helpers.wsgi_requests import send_request

URL = "/owner/settings/"


def failed_job(inbox: Inbox) -> DBTaskResult:
    """Return a job that failed because the mail server rejected the recipient."""
    guest = GuestFactory.create(email="jim@example.org")
    inbox.refused = {guest.email: "550 5.1.1 <jim@example.org> is unknown here"}
    result = mail_confirmation.enqueue(guest.pk)
    run_jobs()
    job: DBTaskResult = DBTaskResult.objects.get(pk=result.id)
    assert job.status == TaskResultStatus.FAILED
    return job


@task()
def quiet() -> None:
    """Do nothing."""


def fields(client: Client) -> dict[str, Any]:
    """Return the fields of the form, to send them back with some changes."""
    form = client.get(URL).context["form"]
    found = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in found.items() if value not in (None, False)}


def save(client: Client, **values: Any) -> Any:
    return client.post(URL, {**fields(client), **values})


def warm(site: PageCacheApp, path: str = "/") -> str:
    """Return the page and put it into the cache."""
    send_request(site, path)
    reply = send_request(site, path)
    assert reply.status == 200
    return reply.text


def png(width: int, height: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("ours.png", encode_image(photo(width, height), "PNG"), content_type="image/png")
