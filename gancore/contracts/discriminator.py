"""The contract of discriminators."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, overload

from torch import Tensor

from gancore.contracts.generator import Normalize
from gancore.contracts.part import Part
from gancore.contracts.types import Images, Interface, Stage

Logits = tuple[Tensor, ...]
"""Raw logits [N] of each head (a head may return a map, [N, h, w]); most discriminators have one head."""

Outputs = Mapping[str, tuple[Tensor, ...]]
"""Outputs of a discriminator besides logits, by name; tensors [N, ...], whose first size is that of the batch:

class_logits: [N, label_dim] of each classifier.
features: [N, ...] of each layer or block, in the order of computation.
"""


class Discriminator(Part):
    """Images to logits, and to further outputs where it has any."""

    provides: ClassVar[frozenset[str]] = frozenset()
    """Known words: "growth" (follows a stage, as generators do), and the names of `Outputs` that it can return."""

    def __init__(self, cfg: Any, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.cfg, self.interface = cfg, interface

    def forward(
        self, images: Images, label: Tensor | None = None, stage: Stage | None = None, parts: int = 1
    ) -> Logits | tuple[Logits, Outputs]:
        """Logits of each head.

        Statistics of the batch (minibatch stddev, batch norm) are separate for each of `parts` equal parts.
        A discriminator with further outputs takes `wanted: tuple[str, ...] = ()`, the names of requested outputs. If it
        is empty, it returns logits; otherwise (logits, outputs), with those of the names that it knows.
        """
        raise NotImplementedError

    if TYPE_CHECKING:

        @overload
        def __call__(
            self, images: Images, label: Tensor | None = ..., stage: Stage | None = ..., parts: int = ...
        ) -> Logits: ...

        @overload
        def __call__(
            self, images: Images, label: Tensor | None, stage: Stage | None, parts: int, wanted: tuple[str, ...]
        ) -> tuple[Logits, Outputs]: ...

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
