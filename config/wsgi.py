"""The web application, for any WSGI server."""

import os
import signal

from django.core.wsgi import get_wsgi_application

from config.processes import die_with_parent

# Under `manage.py serve` this runs in a worker of granian. At an orderly stop granian lets it finish its
# requests; it must not outlive a granian that was killed, whose successor already listens.
if os.environ.get("SOUNDOFF_SUPERVISED"):
    die_with_parent(signal.SIGKILL)
    if os.getppid() != os.getpgrp():  # granian leads the group: it was killed before that was asked
        os._exit(1)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()

from config.contact import give_up_with  # noqa: E402
from config.pages import Pages  # noqa: E402  # reads settings and models

application = Pages(django)
give_up_with(application.contact)
