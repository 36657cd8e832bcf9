"""Skeleton: the law that latents are drawn from, in one line.

Source: N(0, 1), which every generator draws without this; name the paper and section of yours.
Differs: nothing yet.
"""

from torch import Tensor

from gancore.contracts import Draw, Latent


class Skeleton(Latent):
    """Plugin `skeleton`: latents [N, size]; without options."""

    def sample(self, draw: Draw, size: int) -> Tensor:
        return draw.normal("z", (size,))
