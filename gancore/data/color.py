"""Colour: what an image holds, and how it becomes 1 to 4 channels of 8 bits.

Channels are 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha. Gray is repeated for RGB; transparent images are laid
on white when alpha is not asked for, as a page would show them.
"""

import numpy as np
from PIL import Image

from gancore.data.rejected import Rejected

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Channels to Pillow's mode."""

HELD = {
    **dict.fromkeys(("1", "L", "I;16", "I;16L", "I;16B", "I;16N"), 1),
    **dict.fromkeys(("LA", "La"), 2),
    **dict.fromkeys(("RGB", "P", "CMYK", "YCbCr", "HSV", "RGBX"), 3),
    **dict.fromkeys(("RGBA", "RGBa", "PA"), 4),
}
"""Pillow's mode to the channels that the image holds."""


def channels_of(image: Image.Image) -> int:
    """Channels that an image holds, from 1 to 4; a palette counts as the RGB or RGBA it stands for."""
    if image.mode not in HELD:
        raise Rejected("channels", f"pixels of mode {image.mode}, whose range is not known")
    has_key = "transparency" in image.info and image.mode in ("1", "L", "I;16", "RGB", "P")
    return {1: 2, 3: 4}[HELD[image.mode]] if has_key else HELD[image.mode]


def with_channels(image: Image.Image, channels: int) -> Image.Image:
    """The image in the mode of that many channels, 8 bits each."""
    held = channels_of(image)
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = _as(image, MODES[held])  # resolves palettes, colour keys, CMYK
    if held in (2, 4) and channels in (1, 3):
        image = _on_white(image.convert("RGBA"))
    return _as(image, MODES[channels])


def _as(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode and "transparency" not in image.info else image.convert(mode)


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")
