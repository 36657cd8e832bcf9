"""What every plugin may have besides its own task: options, requirements, and hooks of the training step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn

from gancore.contracts.types import Interface, Mean, Network
from gancore.options import PluginConfig


@dataclass(frozen=True)
class ParamGroup:
    """Parameters with another learning rate than their network: a factor on it."""

    params: list[nn.Parameter]
    lr_factor: float = 1.0


@dataclass(frozen=True)
class Context:
    """What a part knows of a composition when it says whether it fits, before anything is built."""

    interface: Interface
    batch: int
    network: Network | None = None
    provided: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What the chosen parts provide, by kind: {"generator": {"styles", "ws"}, ...}."""


class Plugin:
    """The base of every contract: typed options, and what a part provides to and requires of its neighbours.

    provides: words other plugins may require, e.g. {"styles"} of a generator whose layers take styles.
    requires: {"generator:styles": "why"}: the chosen plugin of that kind must provide the word.
    """

    Config: ClassVar[type[PluginConfig]] = PluginConfig
    provides: ClassVar[frozenset[str]] = frozenset()
    requires: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def provided_with(cls, cfg: Any) -> frozenset[str]:
        """What it provides with these options; `provides`, the default, lists what any options can make it provide."""
        return cls.provides

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
        """Reasons why these options cannot work in this context (sizes, batch); none by default."""
        return ()


class Part(nn.Module, Plugin):
    """A plugin that lives in a network or beside it, with the hooks the training loop calls on every module.

    Parameters are trained with the network that the part is in. Those of a part beside the networks (a regularizer, an
    augmentation, a loss) are trained with the network that `trained_with` names: they have gradients in the phases of
    that network, join its optimizer, and are saved in checkpoints, but not averaged. Their first values come from the
    seed of the run.

    Parameters that do not require gradients when the part is built are frozen: checkpoints have them, optimizers do
    not. A pretrained network belongs in `gancore.nn.Frozen`; checkpoints then hold a hash of its weights only.
    """

    def param_groups(self) -> list[ParamGroup]:
        """Own parameters with another learning rate; all others follow their network."""
        return []

    def after_update(self) -> None:
        """Called after each optimizer step of the network this part is in, or is trained with (clamping of rho)."""

    def end_step(self, mean: Mean) -> None:
        """Called once at the end of each training step (moving averages).

        `mean` is `gancore.nn.processes.mean`, which averages over the processes of a run; there is also a `sum`.
        """

    def scalars(self) -> dict[str, Tensor]:
        """Values worth logging, read at log ticks only."""
        return {}
