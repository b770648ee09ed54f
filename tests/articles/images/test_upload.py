"""Tests of image uploads: valid files are written again, and damaged or malicious ones are rejected."""

from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Pillow

from articles.images import decode, uploads
from articles.images.forms import UploadForm
from articles.images.uploads import UploadError, read_upload
from articles.models import Image
from tests.articles.images.sample_images import (
    LOCATION,
    bomb,
    encode_image,
    form,
    gif,
    jpeg,
    make_image,
    mpo,
    photo,
    photo_with_location,
    sixteen_bits,
    swapped_colours,
    transparent_palette,
    upload,
)
from tests.helpers.data_folder import data_path

HTML = b"<!DOCTYPE html><html><body><script>alert(document.cookie)</script></body></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(500)
EXECUTABLE = b"MZ\x90\x00" + bytes(2000)

REFUSED = {
    "nothing": (b"", "a.jpg", "This file is empty"),
    "a decompression bomb": (bomb(15_000, 15_000), "a.png", "15,000 × 15,000 pixels"),
    "a bomb that is larger than any memory": (bomb(2**31 - 1, 2**31 - 1), "a.png", "too large|pixels"),
    "a strip that is too long": (bomb(30_000, 20), "a.png", "30,000 × 20 pixels"),
    "a bug for counting readers": (jpeg(1, 1), "a.jpg", "only 1 × 1 pixels"),
    "a drawing with a program": (SVG, "a.svg", "SVG file"),
    "a drawing that calls itself a photo": (SVG, "a.jpg", "SVG file"),
    "a page that calls itself a photo": (HTML, "a.jpg", "web page or a script"),
    "a program that calls itself a photo": (EXECUTABLE, "a.png", "format is not supported"),
    "a photo that is cut off": (jpeg()[:-4000], "a.jpg", "damaged or incomplete"),
    "a PNG that is cut off": (encode_image(photo(), "PNG")[:3000], "a.png", "damaged or incomplete"),
    "a WebP that is cut off": (encode_image(photo(), "WEBP")[:900], "a.webp", "damaged or incomplete"),
    "the beginning of a photo and then noise": (b"\xff\xd8\xff\xe0" + b"noise" * 900, "a.jpg", "damaged"),
    "a photo that browsers can't show": (HEIC, "a.heic", "HEIC photo"),
    "a kind with too many ways to be read": (
        encode_image(photo(), "TIFF"),
        "a.tiff",
        "format is not supported",
    ),
    "a kind that runs other programs": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n" + bytes(900),
        "a.eps",
        "format is not supported",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_invalid_file_is_rejected_with_a_sentence(what):
    data, name, why = REFUSED[what]
    with pytest.raises(UploadError, match=why) as refused:
        read_upload(upload(data, name))
    assert str(refused.value).endswith(".")


def decode_picture(data: bytes, name: str = "a.jpg") -> Pillow.Image:
    decoded = read_upload(upload(data, name))
    with Pillow.open(BytesIO(decoded.full)) as picture:
        assert picture.size == (decoded.width, decoded.height)
        assert picture.format == {"jpg": "JPEG", "png": "PNG"}[decoded.suffix]
        assert set(picture.info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "progressive",
            "progression",
        }
        return picture.copy()


def red_sun(picture: Pillow.Image, x: float, y: float) -> bool:
    red, green, blue = picture.convert("RGB").getpixel((int(picture.width * x), int(picture.height * y)))
    return red > 150 and green < 80 and blue < 80


ODD = {
    "16 colours, one of them transparent": transparent_palette(),
    "a photo of a stereo camera": mpo(),
    "four inks": encode_image(photo(mode="CMYK"), "JPEG"),
    "greys": encode_image(photo(mode="L"), "JPEG"),
    "black and white": encode_image(photo(mode="1"), "PNG"),
    "AVIF": encode_image(photo(), "AVIF"),
    "WebP without losses": encode_image(photo(), "WEBP", lossless=True),
    "a page behind the photo": jpeg() + HTML,
    "a program in the comment": jpeg(comment=b"<?php system($_GET['c']); ?>"),
    "colours of a profile that is damaged": jpeg(icc_profile=b"no profile at all" * 40),
    "a phone's position": photo_with_location(),
    "wide": jpeg(6000, 500),
}


@pytest.mark.parametrize("what", ODD)
def test_an_image_is_written_again_without_metadata(what):
    picture = decode_picture(ODD[what])
    assert picture.mode in {"RGB", "RGBA"}
    assert max(picture.size) <= decode.MAX_EDGE


def test_no_byte_of_the_metadata_is_left():
    words = [LOCATION, b"Camera of Ida", b"script", b"<?php", b"Exif", b"ICC_PROFILE"]
    sent = [*ODD.values(), swapped_colours()]
    assert all(any(word in data for data in sent) for word in words)
    for data in sent:
        full = read_upload(upload(data)).full
        assert [word for word in words if word in full] == []


def test_a_photo_is_turned_upright():
    picture = decode_picture(photo_with_location())
    assert picture.size == (600, 900)
    assert red_sun(picture, 0.83, 0.17)  # the upper left has become the upper right


def test_the_content_decides_the_format_and_not_the_name():
    decoded_image = read_upload(upload(encode_image(photo(), "PNG"), "photo.jpg"))
    assert (decoded_image.suffix, decoded_image.filename) == ("png", "photo.jpg")


def test_transparency_is_kept():
    picture = decode_picture(ODD["16 colours, one of them transparent"])
    assert picture.mode == "RGBA"
    assert picture.getchannel("A").getextrema() == (0, 255)


def test_a_16_bit_greyscale_image_is_converted():
    picture = decode_picture(sixteen_bits()).convert("L")
    assert picture.getpixel((0, 0)) < 4
    assert 120 < picture.getpixel((128, 30)) < 136
    assert picture.getpixel((255, 63)) > 250


def test_cmyk_is_converted_to_rgb():
    assert red_sun(decode_picture(ODD["four inks"]), 0.17, 0.2)


def test_a_colour_profile_is_converted_to_srgb():
    assert red_sun(decode_picture(jpeg()), 0.17, 0.2)
    picture = decode_picture(swapped_colours())
    red, _green, blue = picture.getpixel((int(picture.width * 0.17), int(picture.height * 0.2)))
    assert red < 80 < 150 < blue


def test_a_large_photo_is_reduced_and_a_small_one_is_kept():
    assert decode_picture(jpeg(5000, 4000)).size == (3200, 2560)
    assert decode_picture(jpeg(300, 200)).size == (300, 200)


def test_an_animation_is_stored_with_its_first_frame():
    decoded = read_upload(upload(gif(12), "a.gif"))
    assert decoded.moving
    assert not decoded.note
    with Pillow.open(BytesIO(decoded.moving)) as moving:
        assert (moving.format, moving.n_frames) == ("WEBP", 12)


def test_an_animation_that_is_too_long_becomes_its_first_frame_with_a_note():
    decoded = read_upload(upload(gif(decode.MAX_FRAMES + 1), "a.gif"))
    assert decoded.moving is None
    assert "first frame is shown" in decoded.note


def test_a_file_that_is_too_large_is_rejected_unread(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_MB", 0.001)
    with pytest.raises(UploadError, match=r"This file has 0\.\d MB\. The limit is"):
        read_upload(upload(jpeg()))


@pytest.mark.parametrize(
    ("signal", "why"), [("SIGSEGV", "damaged"), ("SIGKILL", "too large"), ("SIGXCPU", "too large")]
)
def test_a_file_that_kills_the_decoder_is_rejected(monkeypatch, tmp_path, signal, why):
    program = tmp_path / "decode.py"
    program.write_text(f"import os, signal\nos.kill(os.getpid(), signal.{signal})\n")
    monkeypatch.setattr(decode, "__file__", str(program))
    with pytest.raises(UploadError, match=why):
        read_upload(upload(jpeg()))


def test_a_file_that_takes_too_long_is_rejected(monkeypatch, tmp_path):
    program = tmp_path / "decode.py"
    program.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(decode, "__file__", str(program))
    monkeypatch.setattr(uploads, "MAX_DECODE_SECONDS", 1)
    with pytest.raises(UploadError, match="too large"):
        read_upload(upload(jpeg()))


def test_images_are_decoded_one_at_a_time_with_a_limited_wait(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_WAIT_SECONDS", 0.1)
    with uploads._decoding, pytest.raises(UploadError, match="Upload it again in a minute"):
        read_upload(upload(jpeg()))
    assert read_upload(upload(jpeg())).width == 900


@pytest.mark.django_db
def test_two_images_of_the_same_file_share_its_folder(own_folder):
    first, second = make_image(is_ready=False), make_image(is_ready=False, alt="A boat")
    assert first.pk != second.pk
    assert data_path(first.folder) == data_path(second.folder)
    assert [path.name for path in data_path(first.folder).iterdir()] == ["full.jpg"]


@pytest.mark.django_db
def test_an_image_that_cannot_be_stored_is_an_error_of_the_form(own_folder):
    data_path("media").write_text("A file in place of the folder.")
    filled = form(jpeg(), alt="The sea")
    assert filled.errors == {"file": ["The image can’t be stored at the moment. Try again in a minute."]}
    assert filled["alt"].value() == "The sea"


@pytest.mark.django_db
def test_the_image_folder_is_private(own_folder):
    image = make_image(is_ready=False)
    folders: list[Path] = [data_path(image.folder), data_path(image.folder).parent]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("description", "field", "message"),
    [
        ({"alt": ""}, "alt", "Describe the image"),
        ({"alt": "  "}, "alt", "Describe the image"),
        ({"alt": "DSC_0042.JPG"}, "alt", "This is a file name"),
        ({"is_decorative": "on"}, "is_decorative", "has no alternative text"),
        ({"alt": "x" * 501}, "alt", "has 501 characters; the maximum is 500"),
        ({"focal_x": "101"}, "focal_x", "Enter 100 or less"),
    ],
)
def test_the_description_is_validated(description, field, message):
    filled = form(jpeg(), **description)
    assert not filled.is_valid()
    assert message.replace(".", "(") in str(filled.errors[field]).replace("&quot;", '"')
    assert not Image.objects.exists()


@pytest.mark.django_db
def test_a_decorative_image_needs_no_alternative_text():
    image = make_image(alt="", is_decorative="on", is_ready=False)
    assert (image.alt, image.markdown) == ("", f"![](image:{image.pk})")


@pytest.mark.django_db
def test_the_file_is_required():
    filled = UploadForm({"alt": "The sea"}, {})
    assert filled.errors["file"] == ["Choose an image."]
    empty = UploadForm({"alt": "The sea"}, {"file": SimpleUploadedFile("a.jpg", b"")})
    assert empty.errors["file"] == ["This file is empty."]
