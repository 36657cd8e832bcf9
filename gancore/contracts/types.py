"""The values that cross the border between the engine and a plugin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from gancore.errors import GancoreError
from gancore.options import one_side

Images = tuple[Tensor, ...]
"""[N, C, r, r] each, coarse to fine, nominal range [-1, 1]; a plain image is a 1-tuple."""

NoiseMode = Literal["const", "random", "none"]
Network = Literal["generator", "discriminator"]


@dataclass(frozen=True)
class Interface:
    """The shape of the data: images are [N, channels, resolution, resolution], labels [N, label_dim] or None.

    Networks are square: a resolution (width, height) raises GancoreError where these differ.
    """

    resolution: int
    channels: int
    label_dim: int = 0

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "resolution", one_side(self.resolution))
        except ValueError as error:
            raise GancoreError(str(error)) from None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the images in pixels."""
        return self.resolution, self.resolution


@dataclass(frozen=True)
class Site:
    """The place of a normalized layer in a network.

    `name` is the state-dict name of the layer below its network (`b8.conv0`), `resolution` that of its output,
    `index` counts the network's normalized layers from 0 to `total` - 1 in the order of computation, and
    `styled` says whether the surrounding block has a style. `condition` is the size K of the condition [N, K] that a
    network without styles passes to the normalization: the label or its embedding; 0: none.
    """

    name: str
    resolution: int
    index: int
    total: int
    c_in: int
    c_out: int
    network: Network
    styled: bool
    condition: int = 0

    @property
    def depth(self) -> float:
        """Position in the network: 0 at the first normalized layer, 1 at the last."""
        return self.index / max(self.total - 1, 1)


@dataclass(frozen=True)
class Stage:
    """How far a network has grown: images are `resolution` wide, the newest block has weight `alpha` (0 to 1)."""

    resolution: int
    alpha: float = 1.0


class Draw(Protocol):
    """Random numbers of one phase of one step, the same on every machine, with any microbatch or process.

    A purpose names a stream: the same purpose in the same phase has the same numbers.
    """

    @property
    def n(self) -> int:
        """Samples drawn for by one call: those of this microbatch of this process."""

    def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        """N(0, 1) numbers [n, *shape], float32 on the training device."""

    def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        """U[0, 1) numbers [n, *shape], float32 on the training device."""

    def once(self, purpose: str) -> float:
        """One U[0, 1) number that the whole global batch shares, on the host."""

    def scoped(self, name: str) -> "Draw":
        """The same samples with separate streams: `draw.scoped("again").normal("z")` is not `draw.normal("z")`."""


@dataclass(frozen=True)
class Pass:
    """One pass through a synthesis network; all of its layers see it.

    noise_mode: "const" (the stored noise of each layer), "random" or "none".
    stage: how far the network has grown; None: fully.
    draw: where random noise comes from; None: torch's own generator.
    update_emas: whether the batch counts in moving averages (magnitudes); they move in `end_step`.
    """

    noise_mode: NoiseMode = "random"
    stage: Stage | None = None
    draw: Draw | None = None
    update_emas: bool = False

    def noise(self, purpose: str, stored: Tensor, n: int) -> Tensor | None:
        """The noise image [n or 1, 1, H, W] of a layer whose stored noise is [H, W]; None: no noise in this pass.

        `purpose` names the layer's stream of random numbers (arXiv:1812.04948, section 3.2).
        """
        if self.noise_mode == "none":
            return None
        if self.noise_mode == "const":
            return stored[None, None]
        if self.draw is not None:
            return self.draw.normal(purpose, (1, *stored.shape)).to(stored.dtype)
        return torch.randn(n, 1, *stored.shape, dtype=stored.dtype, device=stored.device)


Mean = Callable[[Tensor], Tensor]
"""Averages a tensor over the processes of a run, differentiably; the identity when there is one process."""
