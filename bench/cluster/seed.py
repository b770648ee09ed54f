"""Fill the cluster's site, on one of its hosts: prints as JSON what the clients need."""

import json
import os

from bench import fixture

WRITERS, READERS = 8, 32
ANONYMOUS_READERS = READERS * 3 // 4
COMMENTS = 150
MODERATOR = "moderator@cluster.invalid"


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    rows = fixture.thread(COMMENTS)
    story = fixture.add_thread("the cluster", rows, days=3)
    writers = [list(writer) for writer in fixture.add_writers(WRITERS)]
    # `serve` would take the moderator for one of the sample's, and not start on a public address.
    from accounts.models import User

    User.objects.filter(pk=fixture.moderator().pk).update(email=MODERATOR)
    cookie = fixture.session_cookie(fixture.member()).partition("=")[2]
    first = " ".join(rows[0].body.split()[:4])  # without the marks that HTML escapes
    found = {"story": story.path, "comments": story.ids, "first": first, "writers": writers}
    found["members"] = [cookie]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
