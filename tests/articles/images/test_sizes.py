import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageChops

from articles.images.sizes import (
    CROP_RATIO,
    SOCIAL_IMAGE_SIZE,
    WIDTHS,
    crop_box,
    fitting_widths,
    make_sizes,
)
from tests.articles.images.sample_images import photo
from tests.helpers.data_folder import data_path

sides, per_cent = st.integers(16, 20_000), st.integers(0, 100)


@given(sides, sides, st.sampled_from([CROP_RATIO, SOCIAL_IMAGE_SIZE]), per_cent, per_cent)
def test_a_crop_is_inside_the_image_as_large_as_possible_and_contains_the_point(width, height, ratio, x, y):
    box = crop_box(width, height, ratio, (x, y))
    assert 0 <= box.left < box.right <= width
    assert 0 <= box.top < box.bottom <= height
    across, down = box.right - box.left, box.bottom - box.top
    assert across == width or down == height
    assert abs(across * ratio[1] - down * ratio[0]) <= max(ratio)
    assert box.left - 1 <= width * x / 100 <= box.right + 1
    assert box.top - 1 <= height * y / 100 <= box.bottom + 1


@given(sides)
def test_no_width_is_larger_than_the_image(width):
    widths = fitting_widths(WIDTHS, width)
    assert widths
    assert max(widths) == min(width, WIDTHS[-1])
    assert widths == sorted(set(widths))


@pytest.fixture
def folder(own_folder):
    path = data_path("media")
    path.mkdir()
    return path


def test_a_crop_contains_the_focal_point(folder):
    photo(900, 600).resize((1800, 600)).save(folder / "full.jpg")  # the sun is far to the left
    for point, is_in in ((17, 24), True), ((100, 100), False):
        make_sizes("media", "jpg", has_alpha=False, focal_point=point)
        with Pillow.open(folder / f"c400-{point[0]}-{point[1]}.jpg") as crop:
            assert crop.size == (400, 267)
            red, _green, blue = crop.convert("RGB").split()
            sun = ImageChops.subtract(red, blue)  # all else is grey or blue
            assert (sun.getextrema()[1] > 100) == is_in


def test_a_second_run_makes_the_missing_sizes(folder):
    photo(500, 300).save(folder / "full.jpg")
    result = make_sizes("media", "jpg", has_alpha=False, focal_point=(50, 50))
    made = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / "w400.webp").unlink()
    assert make_sizes("media", "jpg", has_alpha=False, focal_point=(50, 50)) == result
    again = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert [name for name in made if made[name] != again[name]] == ["w400.webp"]
    assert result["widths"] == [400, 500]


def test_a_crop_to_the_whole_image_equals_the_image_of_that_width(folder):
    photo(900, 600).save(folder / "full.jpg")
    result = make_sizes("media", "jpg", has_alpha=False, focal_point=(50, 50))
    assert result["crops"] == [400, 800, 900]
    for width in result["crops"]:
        for suffix in result["formats"]:
            crop, whole = (folder / f"{name}.{suffix}" for name in (f"c{width}-50-50", f"w{width}"))
            assert crop.read_bytes() == whole.read_bytes()
            assert crop.stat().st_nlink == 1  # chown_root_files skips files with two names
