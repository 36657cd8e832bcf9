"""One image, from the bytes of its file to uint8 [C, R, R]."""

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from gancore.data.color import Levels, channels_of, extremes_of, with_channels
from gancore.data.fit import fitted
from gancore.data.formats import readable
from gancore.data.rejected import Rejected

KINDS = {1: "gray", 2: "gray with alpha", 3: "RGB", 4: "RGB with alpha"}


@dataclass(frozen=True)
class Form:
    """What every image is made into.

    held: the channels that the files must hold, before they become `channels`; None: any.
    alike: whether all files must hold the same channels.
    levels: the values of gray images of more than 8 bits that become 0 and 255; None: 0 and 65535.
    """

    resolution: int
    channels: int
    fit: str | None
    filter: str
    held: int | None = None
    alike: bool = False
    levels: Levels | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.resolution, self.resolution


@dataclass(frozen=True)
class Picture:
    """A decoded image, uint8 [C, R, R], the channels that its file held, and lowest and highest value of more bits."""

    pixels: np.ndarray
    held: int
    extremes: tuple[float, float] | None = None


def decode(content: bytes | np.ndarray, form: Form) -> np.ndarray:
    """Image file, or uint8 [H, W] or [H, W, C], to uint8 [C, R, R]; raises Rejected with the reason."""
    return decode_picture(content, form).pixels


def decode_picture(content: bytes | np.ndarray, form: Form) -> Picture:
    """The same, with what is known of the file."""
    image = read_image(content)
    held = channels_of(image)
    if form.held not in (None, held):
        raise Rejected("channels", f"{KINDS[held]}, unlike the others ({KINDS[form.held or held]})")
    extremes = extremes_of(image)
    image = fitted(with_channels(image, form.channels, form.levels), form.resolution, form.fit, form.filter)
    pixels = np.asarray(image).reshape(form.resolution, form.resolution, form.channels)
    return Picture(np.ascontiguousarray(pixels.transpose(2, 0, 1)), held, extremes)


def read_image(content: bytes | np.ndarray) -> Image.Image:
    """The decoded image, upright (EXIF); of an animation the first frame. Raises Rejected when it is damaged."""
    if isinstance(content, np.ndarray):
        return open_image(content)
    open_image(content, check=True)
    image = open_image(content)
    try:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception as cause:  # Pillow's decoders raise anything on damaged files
        raise Rejected("damaged", _reason(content, cause)) from cause
    return image


def open_image(content: bytes | BinaryIO | np.ndarray, check: bool = False) -> Image.Image:
    """The image with its size and mode known, its pixels not yet decoded. Raises Rejected when it is damaged.

    `check` goes through the checksums of the file, which decoding does not; the image is then used up.
    """
    if isinstance(content, np.ndarray):
        return _from_array(content)
    try:
        image = Image.open(BytesIO(content) if isinstance(content, bytes) else content, formats=readable())
        if check:
            image.verify()
    except Exception as cause:  # see read_image
        raise Rejected("damaged", _reason(content, cause)) from cause
    return image


def _reason(content: bytes | BinaryIO, cause: Exception) -> str:
    if not content:
        return "an empty file"
    if isinstance(cause, UnidentifiedImageError):
        return "not an image of a kind that is read here"
    return f"cannot be decoded: {cause or type(cause).__name__}"


def _from_array(pixels: np.ndarray) -> Image.Image:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in KINDS)):
        raise Rejected("damaged", f"not uint8 [H, W] or [H, W, C], but {pixels.dtype} {list(pixels.shape)}")
    return Image.fromarray(np.ascontiguousarray(pixels))


class pillow_warnings(warnings.catch_warnings):
    """Pillow warns of small flaws, which do not matter, and of decompression bombs, which are refused."""

    def __enter__(self) -> None:
        super().__enter__()
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
