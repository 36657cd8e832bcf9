"""Colour: what an image holds, and how it becomes 1 to 4 channels of 8 bits.

Channels are 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. Gray is repeated for RGB; transparent images are laid
on white unless alpha is requested, as on a page.
"""

import numpy as np
from PIL import Image

from gancore.data.rejected import Rejected

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Channels to Pillow's mode."""

OF_16_BITS = ("PPM", "PNG")
"""Formats whose images of mode I are of 16 bits."""

Levels = tuple[float, float]

HELD = {
    **dict.fromkeys(("1", "L", "I;16", "I;16L", "I;16B", "I;16N", "I", "F"), 1),
    **dict.fromkeys(("LA", "La"), 2),
    **dict.fromkeys(("RGB", "P", "CMYK", "YCbCr", "HSV", "RGBX"), 3),
    **dict.fromkeys(("RGBA", "RGBa", "PA"), 4),
}
"""Pillow's mode to the channels that the image holds."""


def channels_of(image: Image.Image) -> int:
    """Channels that an image holds, from 1 to 4; a palette counts as its RGB or RGBA."""
    if image.mode not in HELD:
        raise Rejected("channels", f"pixels of mode {image.mode}, whose range is not known")
    has_key = "transparency" in image.info and image.mode in ("1", "L", "I;16", "RGB", "P")
    return {1: 2, 3: 4}[HELD[image.mode]] if has_key else HELD[image.mode]


def extremes_of(image: Image.Image) -> tuple[float, float] | None:
    """The lowest and the highest value of a gray image of more than 8 bits; None for others. Raises Rejected."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return None
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise Rejected("damaged", "values that are not finite")
    return float(values.min()), float(values.max())


def in_8_bits(image: Image.Image, levels: Levels | None) -> Image.Image:
    """A gray image of more than 8 bits as one of 8: `levels` become 0 and 255, and what is beyond is cut off.

    Without levels the upper 8 of 16 bits are kept. Raises Rejected where there are other than 16 bits.
    """
    extremes = extremes_of(image)
    if extremes is None:
        return image
    values = np.asarray(image)
    if levels is not None:
        low, high = levels
        values = np.rint((values.astype(np.float64) - low) * (255 / (high - low))).clip(0, 255)
    elif image.mode != "F" and (image.mode != "I" or image.format in OF_16_BITS):
        values = values >> 8
    else:
        low, high = extremes
        kind = "numbers with a point" if image.mode == "F" else "32-bit numbers"
        raise Rejected("levels", f"{kind}, here from {low:g} to {high:g}, whose range is not known")
    return Image.fromarray(values.astype(np.uint8))


def with_channels(image: Image.Image, channels: int, levels: Levels | None = None) -> Image.Image:
    """The image in the mode of that many channels, 8 bits each; see `in_8_bits` for those of more."""
    held = channels_of(image)
    image = in_8_bits(image, levels)
    image = _as(image, MODES[held])  # resolves palettes, colour keys, CMYK
    if held in (2, 4) and channels in (1, 3):
        image = _on_white(image.convert("RGBA"))
    return _as(image, MODES[channels])


def _as(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode and "transparency" not in image.info else image.convert(mode)


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")
