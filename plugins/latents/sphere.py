"""Latents on a sphere. Source: arXiv:1710.10196 (PGGAN), appendix A.1: points on the hypersphere."""

from torch import Tensor
from torch.nn.functional import normalize

from gancore.contracts import Draw, Latent


class Sphere(Latent):
    """Plugin `sphere`: uniform on the sphere of radius sqrt(size), so that the mean square of a latent is 1."""

    def sample(self, draw: Draw, size: int) -> Tensor:
        return normalize(draw.normal("z", (size,)), dim=1) * size**0.5
