"""The background job that makes the sizes of an image."""

from functools import partial
from typing import Any

from django_tasks import task

from articles.images.rerender import rerender_uses
from articles.images.sizes import make_sizes
from articles.images.stored_files import save_size
from articles.models import Image
from core import files


@task()
def make_sizes_of(image_id: int) -> None:
    """Make the sizes of an image and render the texts that show it. The job may run twice."""
    image = Image.objects.filter(pk=image_id).first()
    if image is None:
        return  # deleted meanwhile
    focal_point = (image.focal_x, image.focal_y)
    save = partial(save_size, image.digest)
    try:
        sizes = make_sizes(
            image.folder, image.suffix, has_alpha=image.has_alpha, focal_point=focal_point, save=save
        )
    except Image.DoesNotExist:
        return  # deleted meanwhile
    _store_sizes(image, sizes)


def _store_sizes(image: Image, sizes: dict[str, Any]) -> None:
    """Store the sizes, and render the texts that show the image.

    These are two transactions, for the reason in services.lock_images.
    """
    x, y = sizes["at"]
    if not Image.objects.filter(pk=image.pk, focal_x=x, focal_y=y).update(sizes=sizes):
        make_sizes_of.enqueue(image.pk)  # the focal point was changed meanwhile, or the image was deleted
        return
    rerender_uses(image)
    point = f"-{x}-{y}."
    if not Image.objects.filter(digest=image.digest).exclude(pk=image.pk).exists():
        for file in list(files.storage().list_files(image.folder)):
            name = file.name.rpartition("/")[2]
            if name.startswith(("c", "og")) and point not in name:
                files.storage().delete(file.name)
