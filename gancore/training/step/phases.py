"""The phases of a step, derived from the composed parts.

A main phase for each network (adversarial loss and the regularizers of interval 1), and a separate phase for each lazy
regularizer, right after the main phase of its network (StyleGAN2: G main, G reg, D main, D reg).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gancore.config.sections.training import TrainingConfig
from gancore.contracts import Regularizer
from gancore.contracts.types import Network


@dataclass(frozen=True)
class Phase:
    """One update of one network, every `interval` steps; `critic_step` counts repeated discriminator steps.

    `g_batches`: how many batches the generator's adversarial loss is the mean of.
    """

    name: str
    network: Network
    interval: int = 1
    main: bool = True
    regularizers: tuple[str, ...] = ()
    critic_step: int = 0
    g_batches: int = 1

    def is_due(self, step: int) -> bool:
        return step % self.interval == 0


def phases_of(training: TrainingConfig, regularizers: Mapping[str, Regularizer]) -> list[Phase]:
    """All phases in order; `is_due` says which of them a step has."""
    order: list[Network] = ["generator", "discriminator"]
    if training.order == "d_first":
        order.reverse()
    return [phase for network in order for phase in _phases(network, training, regularizers)]


def _phases(network: Network, training: TrainingConfig, regularizers: Mapping[str, Regularizer]) -> Iterator[Phase]:
    own = {key: part for key, part in regularizers.items() if part.side == network}
    joined = tuple(key for key, part in own.items() if part.interval == 1)
    last = training.d_steps - 1 if network == "discriminator" else 0
    for k in range(last + 1):
        name = f"{network}/main{k or ''}"
        yield Phase(name, network, regularizers=joined, critic_step=k, g_batches=training.g_batches)
    for key, part in own.items():
        if part.interval > 1:
            yield Phase(f"{network}/{key}", network, part.interval, False, (key,), last)
