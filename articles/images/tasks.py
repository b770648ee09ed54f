from django_tasks import task

from articles.images.sizes import make_sizes
from articles.models import Image


@task()
def make_sizes_of(image_id: int) -> None:
    """Make the sizes of an image and show them. It may be done twice."""
    from articles.images.services import keep_sizes  # which queues this

    image = Image.objects.filter(pk=image_id).first()
    if image is None:
        return  # deleted meanwhile
    at = (image.focal_x, image.focal_y)
    sizes = make_sizes(image.folder, image.suffix, has_alpha=image.has_alpha, at=at)
    keep_sizes(image=image, sizes=sizes)
