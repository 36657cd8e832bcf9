"""Pyramids of images: one picture at several resolutions, each the 2x2 averages of the next.

Source: arXiv:1903.06048 section 2 (MSG-GAN), where real images are averaged down to every scale.
"""

from collections.abc import Sequence

from torch.nn import functional as F

from gancore.contracts import Images


def pyramid(images: Images, resolutions: Sequence[int]) -> Images:
    """[N, C, r, r] for each r of `resolutions`: as passed, or averaged down from the finest passed."""
    given = {image.shape[-1]: image for image in images}
    finest = images[-1]
    return tuple(given[r] if r in given else F.avg_pool2d(finest, finest.shape[-1] // r) for r in resolutions)
