"""One image file: its pixels as they are, or one line that names the file."""

import io

import numpy as np
import pytest
from PIL import Image

from strata.core.errors import StrataError
from strata.sources.image_file import FORMATS, KINDS, decoded

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (9, 12), dtype=np.uint8)
RGB = RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8)


def packed(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, kind, **options)
    return file.getvalue()


def fault(content: bytes) -> str:
    with pytest.raises(StrataError) as caught:
        decoded(content, "grey", None, "a/b.png")
    message = str(caught.value)
    assert message.startswith("a/b.png: ")
    assert "\n" not in message
    return message.removeprefix("a/b.png: ")


def test_pixels_come_as_they_are():
    np.testing.assert_array_equal(decoded(packed(GREY), "grey", None, ""), GREY, strict=True)
    np.testing.assert_array_equal(decoded(packed(RGB), "rgb", None, ""), RGB, strict=True)


def test_grey_becomes_colour_and_colour_grey():
    np.testing.assert_array_equal(decoded(packed(GREY), "rgb", None, ""), np.stack([GREY] * 3, axis=2))
    luma = RGB @ [0.299, 0.587, 0.114]
    assert np.abs(decoded(packed(RGB), "grey", None, "") - luma).max() <= 1


@pytest.mark.parametrize(("kind", "options"), [("BMP", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("PPM", {})])
def test_other_formats_lose_nothing(kind, options):
    np.testing.assert_array_equal(decoded(packed(RGB, kind, **options), "rgb", None, ""), RGB)
    np.testing.assert_array_equal(decoded(packed(GREY, kind, **options), "grey", None, ""), GREY)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP"])
def test_an_image_of_several_pages_is_refused(kind):
    pages = [Image.fromarray(np.full((9, 9), grey, np.uint8)) for grey in (1, 99, 200)]
    content = packed(pages[0], kind, save_all=True, append_images=pages[1:])
    assert fault(content) == "has 3 frames or pages: save each as a file"


def test_a_jpeg_is_read():
    flat = np.full((9, 12, 3), 77, np.uint8)
    np.testing.assert_array_equal(decoded(packed(flat, "JPEG", quality=95), "rgb", None, ""), flat)


def test_images_are_resized_to_the_side():
    block = np.repeat(np.repeat(np.array([[0, 200], [100, 40]], np.uint8), 16, axis=0), 16, axis=1)
    small = decoded(packed(block), "grey", 8, "")
    assert small.shape == (8, 8)
    assert [small[0, 0], small[0, 7], small[7, 0], small[7, 7]] == [0, 200, 100, 40]
    assert decoded(packed(RGB), "rgb", 8, "").shape == (8, 8, 3)


def test_transparent_parts_are_white():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:4, :, 3] = 255
    image = decoded(packed(pixels), "grey", None, "")
    assert (image[:4] == 0).all()
    assert (image[4:] == 255).all()


def test_a_palette_is_resolved():
    image = Image.fromarray(RGB).quantize(16)
    np.testing.assert_array_equal(decoded(packed(image), "rgb", None, ""), np.asarray(image.convert("RGB")))


def test_an_image_is_turned_as_its_camera_says():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    content = packed(GREY, "PNG", exif=exif)
    np.testing.assert_array_equal(decoded(content, "grey", None, ""), np.rot90(GREY, -1))


UNREADABLE = f"cannot be read as {KINDS}: damaged, or in another format"


@pytest.mark.parametrize(
    "content",
    [b"", b"not an image", packed(GREY)[:-30], packed(GREY)[:20], packed(RGB, "JPEG")[:200], packed(GREY, "TGA")],
    ids=["empty", "text", "truncated", "header", "truncated JPEG", "TGA"],
)
def test_what_is_no_image_is_told_so(content):
    assert fault(content) == UNREADABLE


def test_a_damaged_png_is_told_so():
    content = bytearray(packed(GREY))
    content[len(content) // 2] ^= 255
    assert fault(bytes(content)) == UNREADABLE


def test_sixteen_bits_are_refused():
    assert fault(packed(Image.new("F", (8, 8)), "TIFF")) == "has more than 8 bits per channel; save it with 8"
    assert fault(packed(Image.new("I;16", (8, 8)))) == "has more than 8 bits per channel; save it with 8"


@pytest.mark.parametrize("most", [20, 80])
def test_a_huge_image_is_one_line(most, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)  # 9 x 12 is above, and for 20 above the double
    assert fault(packed(GREY)) == f"unpacks to more than {most} pixels; save it smaller"


def test_no_flipped_byte_ends_in_another_error():
    for kind in FORMATS:
        content = packed(RGB, kind)
        for place in range(0, len(content), 3):
            damaged = bytearray(content)
            damaged[place] ^= 0x5A
            try:
                assert decoded(bytes(damaged), "rgb", 8, "x").shape == (8, 8, 3)
            except StrataError as error:
                assert str(error).startswith("x: ")
