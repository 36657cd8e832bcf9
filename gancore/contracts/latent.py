"""The contract of latents: the law that z is drawn from, in place of the generator's own (`latent:`)."""

from typing import Any

from torch import Tensor

from gancore.contracts.part import Plugin
from gancore.contracts.types import Draw


class Latent(Plugin):
    """A distribution of z. It has no state: its samples are a function of the draw."""

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def sample(self, draw: Draw, size: int) -> Tensor:
        """Latents [n, size], float32 on the device of the draw; each row depends on the numbers of its sample only."""
        raise NotImplementedError
