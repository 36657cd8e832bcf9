"""Size: how an image becomes resolution x resolution (`data.fit`).

resize stretches to any aspect; crop takes the largest centred square and resizes it; pad adds black (or
transparent) borders, up to the resolution, or up to a square that is then resized. An odd border is larger at the
right and below. wide is for LSUN Car as in arXiv:1912.04958: the largest centred part of 4:3, as wide as the
resolution, between black bars above and below (512x384 in 512x512).
"""

from collections.abc import Callable

from PIL import Image

from gancore.data.rejected import Rejected

FILTERS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
}
"""`data.filter` to Pillow's filters, which widen with the reduction (no aliasing)."""


def fitted(image: Image.Image, resolution: int, fit: str | None, filter: str) -> Image.Image:
    """The image at resolution x resolution; Rejected when it has another size and `fit` is None."""
    if fit == "wide":  # also where the size is right: a square loses what the bars cover
        return _wide(image, resolution, FILTERS[filter])
    if image.size == (resolution, resolution):
        return image
    if fit is None:
        width, height = image.size
        raise Rejected("size", f"{width}x{height}, not {resolution}x{resolution}")
    image = SHAPES[fit](image, resolution)
    return image.resize((resolution, resolution), FILTERS[filter])


def _wide(image: Image.Image, resolution: int, filter: Image.Resampling) -> Image.Image:
    """The centred part of 4:3 between bars; the part is resized alone, so no bar bleeds into it."""
    width, height = min(image.width, image.height * 4 // 3), min(image.height, image.width * 3 // 4)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    inside = (resolution, resolution * 3 // 4)
    part = image.crop((left, top, left + max(width, 1), top + max(height, 1))).resize(inside, filter)
    canvas = Image.new(image.mode, (resolution, resolution), 0)
    canvas.paste(part, (0, (resolution - inside[1]) // 2))
    return canvas


def _cropped(image: Image.Image, resolution: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _padded(image: Image.Image, resolution: int) -> Image.Image:
    side = max(*image.size, resolution)
    if side**2 > (Image.MAX_IMAGE_PIXELS or side**2):  # a line of pixels would become a very large square
        raise Rejected("size", f"{image.width}x{image.height}, too long to pad")
    canvas = Image.new(image.mode, (side, side), 0)
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas


SHAPES: dict[str, Callable[[Image.Image, int], Image.Image]] = {
    "resize": lambda image, resolution: image,
    "crop": _cropped,
    "pad": _padded,
}
"""`data.fit` to what makes an image the right shape before it is resized."""
