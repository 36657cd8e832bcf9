"""Normal latents: what most generators draw by themselves."""

from torch import Tensor

from gancore.contracts import Draw, Latent


class Normal(Latent):
    """Plugin `normal`: N(0, 1) numbers."""

    def sample(self, draw: Draw, size: int) -> Tensor:
        return draw.normal("z", (size,))
