"""What a regularizer or a loss sees of a training step."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from gancore.contracts.discriminator import Discriminator, Logits, Outputs
from gancore.contracts.generator import Generator
from gancore.contracts.types import Draw, Images, Stage


@dataclass(frozen=True)
class Fakes:
    """Generated samples with their inputs: ws [N, num_ws, w_dim], z [N, z_dim], label [N, label_dim].

    `draw` has the random numbers of these samples, which may be fewer than those of the microbatch.
    """

    images: Images
    ws: Tensor
    z: Tensor
    label: Tensor | None
    draw: Draw


@dataclass(frozen=True)
class Judged:
    """D's outputs for images with labels [N, label_dim]: logits of each head, and further outputs by name."""

    label: Tensor | None
    logits: Logits
    outputs: Outputs


@dataclass(frozen=True)
class Main:
    """The inputs of the main loss of a phase, with the graph to the networks: `fakes`, and D's outputs for both sides.

    In a phase of the generator `fakes` have a graph, too, and `real` is None unless the loss needs reals there. Where
    the loss is the mean over several batches (`training.g_batches`), this is the last of them.
    """

    fakes: Fakes
    fake: Judged
    real: Judged | None


class Step(Protocol):
    """One microbatch of one phase: networks, samples and random numbers.

    Images of `real` do not require gradients yet: a penalty on them detaches and marks its own copy.
    """

    G: Generator
    D: Discriminator
    kimg: float
    stage: Stage | None

    @property
    def draw(self) -> Draw:
        """Random numbers for the samples of this microbatch."""

    @property
    def real(self) -> Images:
        """Real images, in the form of G's output."""

    @property
    def real_label(self) -> Tensor | None:
        """Their labels [N, label_dim], None without labels."""

    @property
    def fake(self) -> Fakes:
        """Generated samples without a graph, one for each real image; in the main phase of D, those of its loss."""

    @property
    def main(self) -> Main:
        """The inputs of the main loss, for regularizers of interval 1, which then need no further pass.

        Outputs are those that the loss or a regularizer of the phase requires of the discriminator.
        Raises PluginError in the phase of a lazy regularizer, which has no main loss.
        """

    def generate(self, shrink: int = 1) -> Fakes:
        """Fresh samples with the graph to G and to ws; 1/`shrink` of the batch, at least one."""

    def discriminate(self, images: Images, label: Tensor | None, parts: int = 1) -> Logits:
        """Logits of D as the main loss sees them, augmentation included."""

    def judge(self, images: Images, label: Tensor | None, wanted: tuple[str, ...], parts: int = 1) -> Judged:
        """The same with further outputs: those of `wanted` that D provides."""

    def mean(self, values: Tensor) -> Tensor:
        """The mean of `values` over the whole batch, that of all processes of a run; differentiable."""
