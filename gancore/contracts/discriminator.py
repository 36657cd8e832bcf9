"""The contract of discriminators."""

from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from gancore.contracts.generator import Normalize
from gancore.contracts.part import Part
from gancore.contracts.types import Images, Interface, Stage


class Discriminator(Part):
    """Images to logits."""

    provides: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, cfg: Any, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.cfg, self.interface = cfg, interface

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> tuple[Tensor, ...]:
        """Raw logits [N] of each head (a head may give a map, [N, h, w]); most have one head.

        Whatever looks at the batch (minibatch stddev, batch norm) looks at each of `parts` equal parts apart.
        """
        raise NotImplementedError

    if TYPE_CHECKING:
        __call__ = forward
