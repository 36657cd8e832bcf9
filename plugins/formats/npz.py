"""Images as one array of numpy: float32 [N, C, R, R], nominal [-1, 1], not clamped."""

from gancore.sampling.image_format import ImageFormat


class NPZ(ImageFormat):
    """Plugin `npz`: the first images of a seed, those of `gancore sample`; classes in turn."""

    title = "arrays of images"
    writes = "images.npz"
