"""The values that cross the border between the engine and a plugin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor

Images = tuple[Tensor, ...]
"""[N, C, r, r] each, coarse to fine, nominal range [-1, 1]; a plain image is a 1-tuple."""

NoiseMode = Literal["const", "random", "none"]
Network = Literal["generator", "discriminator"]


@dataclass(frozen=True)
class Interface:
    """The shape of the data: images are [N, channels, resolution, resolution], labels [N, label_dim] or None."""

    resolution: int
    channels: int
    label_dim: int = 0


@dataclass(frozen=True)
class Site:
    """Where a normalized layer stands.

    `name` is the state-dict name of the layer below its network (`b8.conv0`), `resolution` that of its output,
    `index` counts the network's normalized layers from 0 to `total` - 1 in the order of computation, and
    `styled` says whether the surrounding block has a style to give.
    """

    name: str
    resolution: int
    index: int
    total: int
    c_in: int
    c_out: int
    network: Network
    styled: bool

    @property
    def depth(self) -> float:
        """Position in the network: 0 at the first normalized layer, 1 at the last."""
        return self.index / max(self.total - 1, 1)


@dataclass(frozen=True)
class Stage:
    """What is grown: images are `resolution` wide and the newest block has weight `alpha` (0 new, 1 full)."""

    resolution: int
    alpha: float = 1.0


class Draw(Protocol):
    """Random numbers of one phase of one step, the same on every machine, whatever the microbatch or process.

    A purpose names a stream: the same purpose in the same phase gives the same numbers.
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


Mean = Callable[[Tensor], Tensor]
"""Averages a tensor over the processes of a run, differentiably; the identity when there is one process."""
