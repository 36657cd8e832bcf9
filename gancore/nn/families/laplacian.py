"""The Laplacian pyramid: an image as its coarsest version and the detail of each doubling of the size.

Source: arXiv:1506.05751 section 2.2: h_k = I_k - up(I_k+1). Down is the mean of 2x2 pixels (nn/multiscale.py), up
is bilinear; the published code may use another resampling.
"""

from collections.abc import Iterable

from torch import Tensor
from torch.nn import functional as F


def levels_of(resolution: int, coarsest: int) -> list[int]:
    """Resolutions of the levels, coarse to fine; `coarsest` doubled until the resolution is reached."""
    levels = [min(coarsest, resolution)]
    while levels[-1] < resolution:
        levels.append(2 * levels[-1])
    return levels


def level_problems(resolution: int, coarsest: int) -> Iterable[str]:
    """Why images of a resolution have no pyramid with this coarsest level."""
    if levels_of(resolution, coarsest)[-1] != resolution:
        fits = resolution
        while fits % 2 == 0 and fits > coarsest:
            fits //= 2
        yield f"resolution {resolution} is not {coarsest} doubled some times over; set coarsest: {fits}"


def up(image: Tensor) -> Tensor:
    """[N, C, H, W] to [N, C, 2 H, 2 W]."""
    return F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
