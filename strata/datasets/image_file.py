"""One PNG or JPEG file as an array of bytes, grey or colour."""

import io
import struct
import warnings
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from strata.errors import StrataError
from strata.params.dataset import Colour

FORMATS = ("PNG", "JPEG")
SUFFIXES = (".png", ".jpg", ".jpeg")


def decoded(content: bytes, colour: Colour, side: int | None, where: str) -> NDArray[np.uint8]:
    """Return an image file's pixels, uint8 (H, W) for grey or (H, W, 3) for rgb, resized to `side` pixels a side.

    Turned as its EXIF data says, and on white where it is transparent. Raises StrataError, a line that begins with
    `where`, for a file that is no such image, is damaged, or unpacks to too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as file:
                file.load()
                return _pixels(file, colour, side, where)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise StrataError(f"{where}: unpacks to more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
        raise StrataError(f"{where}: cannot be read as a PNG or JPEG image: damaged, or of another format") from None


def _pixels(image: Image.Image, colour: Colour, side: int | None, where: str) -> NDArray[np.uint8]:
    if image.mode.startswith(("I", "F")):
        raise StrataError(f"{where}: has more than 8 bits a pixel; save it with 8")
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    converted = upright.convert("L" if colour == "grey" else "RGB")
    if side is not None and converted.size != (side, side):
        converted = converted.resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(converted)
