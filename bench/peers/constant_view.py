"""A minimal Django site for comparison: one view that returns the same bytes, without middleware.

A WSGI application for granian. $CONSTANT_PAGE names the file of the response, which is gzipped HTML.
"""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

BYTES = Path(os.environ["CONSTANT_PAGE"]).read_bytes()


def constant(request: HttpRequest) -> HttpResponse:
    return HttpResponse(BYTES, headers={"Content-Encoding": "gzip", "Cache-Control": "public, no-cache"})


urlpatterns = [path("", constant)]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], MIDDLEWARE=[], SECRET_KEY="none")
application: Any = get_wsgi_application()
