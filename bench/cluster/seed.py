"""Fill the cluster's site, on one of its hosts: prints as JSON what the clients need."""

import io
import json
import os

from bench import fixture

WRITERS, READERS = 8, 32
ANONYMOUS_READERS = READERS * 3 // 4
COMMENTS = 150
PASSWORD = "a boat without a clock"  # of the people who log in
ROLES = ("Reader", "Moderator", "Editor")  # an account for each; the set-up creates the administrator


def email_of(role: str) -> str:
    """Return the e-mail of the account of a role."""
    return f"{role.lower()}@cluster.invalid"


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    rows = fixture.thread(COMMENTS)
    story = fixture.add_thread("the cluster", rows, days=3)
    image = add_picture(story.article)
    writers = [list(writer) for writer in fixture.add_writers(WRITERS)]
    add_accounts()
    cookie = fixture.session_cookie(fixture.member()).partition("=")[2]
    texts = [" ".join(row.body.split()[:4]) for row in rows]  # without the marks that HTML escapes
    found = {"story": story.path, "comments": story.ids, "texts": texts, "writers": writers}
    found |= {"members": [cookie], "image": image}
    print(json.dumps(found))


def add_picture(article: int) -> str:
    """Add a picture to the story, and return the path of its file. A job makes its sizes."""
    from django.core.files.uploadedfile import SimpleUploadedFile
    from PIL import Image as Pillow

    from articles.images.services import add_image
    from articles.images.uploads import read_upload
    from articles.models import Article
    from articles.services import save_article

    file = io.BytesIO()
    Pillow.linear_gradient("L").resize((900, 600)).save(file, "JPEG")
    upload = SimpleUploadedFile("tide.jpg", file.getvalue())
    image = add_image(decoded=read_upload(upload), actor=None, alt="The tide")
    story = Article.objects.get(pk=article)
    story.body += f"\n\n{image.markdown}"
    save_article(article=story)
    return f"/images/{image.pk}/full.{image.suffix}"


def add_accounts() -> None:
    """Create an account of each role."""
    from allauth.account.models import EmailAddress

    from accounts.models import User

    # A public site does not start with accounts of the sample, such as that of this moderator.
    User.objects.filter(pk=fixture.moderator().pk).update(email="first-moderator@cluster.invalid")
    for role in ROLES:
        user = User.objects.create_user(email_of(role), PASSWORD, name=role, roles=(role,))
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)


if __name__ == "__main__":
    main()
