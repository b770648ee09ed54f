"""Helpers for tests in Chromium."""

from typing import Any

from django.test import Client
from playwright.sync_api import BrowserContext

from accounts.models import User


def log_in(context: BrowserContext, live_server: Any, user: User) -> None:
    """Log the user in without the pages for it, which have tests of their own."""
    client = Client()
    client.force_login(user)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
