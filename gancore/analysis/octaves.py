"""Images taken apart by what halving them loses; edges are continued by their own pixels, and are no detail."""

from torch import Tensor
from torch.nn import functional as F

from gancore.nn import downsample2d, setup_filter, upsample2d

MARGIN = 4
COARSEST = 4


def halved(image: Tensor) -> Tensor:
    """[N, C, 2 R, 2 R] to [N, C, R, R] by the filter 1, 3, 3, 1."""
    taps = setup_filter((1, 3, 3, 1)).to(image)
    wide = downsample2d(F.pad(image, [MARGIN] * 4, mode="replicate"), taps)
    return wide[..., MARGIN // 2 : -MARGIN // 2, MARGIN // 2 : -MARGIN // 2]


def detail(image: Tensor) -> Tensor:
    """What halving images [N, C, R, R], R even, loses."""
    taps = setup_filter((1, 3, 3, 1)).to(image)
    wide = upsample2d(F.pad(halved(image), [MARGIN // 2] * 4, mode="replicate"), taps)
    return image - wide[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def octaves(image: Tensor) -> dict[int, Tensor]:
    """The detail of images [N, C, R, R] at R, R / 2, ..., by the resolution it is lost at; the rest at the last."""
    found = {}
    while image.shape[2] % 2 == 0 and image.shape[2] > COARSEST:
        found[image.shape[2]] = detail(image)
        image = halved(image)
    return dict(sorted({**found, image.shape[2]: image}.items()))
