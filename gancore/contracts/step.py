"""What a regularizer sees of the training step it takes part in."""

from typing import Protocol

from torch import Tensor

from gancore.contracts.discriminator import Discriminator
from gancore.contracts.generator import Generator
from gancore.contracts.types import Draw, Images, Stage


class Fakes(Protocol):
    """Generated samples of a phase."""

    images: Images
    ws: Tensor  # [N, num_ws, w_dim]
    z: Tensor
    label: Tensor | None


class Step(Protocol):
    """What a regularizer sees of the training step it takes part in.

    Networks and draws are those of the current microbatch. Images of `real` do not require gradients yet:
    a penalty on them detaches and marks its own copy.
    """

    G: Generator
    D: Discriminator
    kimg: float
    stage: Stage | None
    draw: Draw
    real: Images
    real_label: Tensor | None

    @property
    def fake(self) -> Fakes:
        """Generated samples without a graph, one for each real image; of the main loss where that shares the phase."""

    def generate(self, shrink: int = 1) -> Fakes:
        """Fresh samples with the graph to G and to ws; 1/`shrink` of the batch, at least one."""

    def discriminate(self, images: Images, label: Tensor | None, parts: int = 1) -> tuple[Tensor, ...]:
        """Logits of D as the main loss sees them, augmentation included."""

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the whole batch, differentiable, over the processes of a run too."""
