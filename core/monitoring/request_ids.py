"""The id of a request: in its response, in the log lines that it causes and on the page for an error."""

import os
import re
from contextvars import ContextVar

from django.conf import settings

KEY = "soundoff.request_id"  # the key in the environ of a request

# The id of the request that the code works for; empty in event loops and jobs.
current_id: ContextVar[str] = ContextVar("request_id", default="")

# Ids of nginx, HAProxy, load balancers and W3C's trace context. It has no space, quote or @.
_FORM = re.compile(r"[A-Za-z0-9_:=.-]{8,128}")


def choose_id(sent: str) -> str:
    """Return the id that a trusted proxy has sent, or a new one. `sent` is the header X-Request-ID."""
    if sent and settings.BEHIND_PROXY and _FORM.fullmatch(sent):
        return sent
    return os.urandom(8).hex()
