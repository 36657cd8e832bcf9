"""Uniform latents. Source: the code of arXiv:1511.06434 (DCGAN)."""

from torch import Tensor

from gancore.contracts import Draw, Latent


class Uniform(Latent):
    """Plugin `uniform`: U[-1, 1) numbers."""

    def sample(self, draw: Draw, size: int) -> Tensor:
        return draw.uniform("z", (size,)) * 2 - 1
