"""One image file of a common format as an array of bytes, grey or colour."""

import io
import struct
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from strata.core.errors import StrataError
from strata.sources.params import Colour

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF", "PPM")  # the last is PBM, PGM and PPM
COMMON = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".tif", ".tiff", ".gif")
IMAGE_SUFFIXES = (*COMMON, ".pgm", ".ppm", ".pbm", ".pnm")
KINDS = "PNG, JPEG, BMP, WebP, TIFF, GIF or PGM"
# Formats in which several images in a file are pages or frames. A JPEG of a camera may have a preview besides.
OF_PAGES = ("GIF", "TIFF", "WEBP")
# Besides the usual errors, what the readers of TIFF and WebP raise on damage.
DAMAGE = (KeyError, IndexError, TypeError, AttributeError, RuntimeError, OverflowError, ZeroDivisionError)

# Colour in the first images of a data set: made small, some pixel's channels differ by so much.
GREYED = "colour images are read as grey: `dataset.colour: rgb` keeps their colours"
LOOKED_AT, SMALL, CLEARLY = 20, (16, 16), 24


def decoded(content: bytes, colour: Colour, side: int | None, where: str) -> NDArray[np.uint8]:
    """Return an image file's pixels, uint8 (H, W) for grey or (H, W, 3) for rgb, resized to `side` x `side` pixels.

    The image is rotated as its EXIF data says, and transparent parts become white. Raises StrataError, with a line that
    begins with `where`, if the file is not such an image, is damaged, has several pages, or unpacks to too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about unusual metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as file:
                pages = getattr(file, "n_frames", 1) if file.format in OF_PAGES else 1
                if pages > 1:
                    raise StrataError(f"{where}: has {pages} frames or pages: save each as a file")
                file.load()
                return _pixels(file, colour, side, where)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise StrataError(
            f"{where}: unpacks to more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels; save it smaller"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, *DAMAGE):
        raise StrataError(f"{where}: cannot be read as {KINDS}: damaged, or in another format") from None


class LostColours:
    """Looks at a data set's first images, which are to be `colour`, for colours that grey does not keep."""

    def __init__(self, colour: Colour) -> None:
        self._left, self.notes = LOOKED_AT if colour == "grey" else 0, list[str]()

    def look(self, content: bytes) -> None:
        """Look at the bytes of an image that `decoded` can read; from then on `notes` may say what is lost."""
        if not self._left:
            return
        self._left -= 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as file:
                pixels = np.asarray(file.convert("RGB").resize(SMALL, Image.Resampling.BILINEAR), dtype=np.int16)
        if np.ptp(pixels, axis=2).max() >= CLEARLY:
            self._left, self.notes = 0, [GREYED]


def _pixels(image: Image.Image, colour: Colour, side: int | None, where: str) -> NDArray[np.uint8]:
    if image.mode.startswith(("I", "F")):
        raise StrataError(f"{where}: has more than 8 bits per channel; save it with 8")
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    converted = upright.convert("L" if colour == "grey" else "RGB")
    if side is not None and converted.size != (side, side):
        converted = converted.resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(converted)
