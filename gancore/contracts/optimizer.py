"""The contract of optimizers: how weights follow their gradients."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from gancore.contracts.part import Plugin


class Updates(Protocol):
    """What `Optimizer.build` returns: an optimizer of torch, or what acts like one.

    param_groups: mappings of `params` and of what `Optimizer.settings` gave.
    state: tensors by parameter and name, on the device of the parameter; checkpoints hold them.
    """

    param_groups: list[dict[str, Any]]
    state: Any

    def step(self) -> Any:
        """Updates all parameters that have a gradient."""


class Optimizer(Plugin):
    """How the weights of a network follow their gradients. One instance serves one network.

    Its options include `lr`, a `Scheduled` rate; `training.growth` may take its place.
    """

    moments: ClassVar[int] = 2
    """Numbers kept for each parameter, for forecasts of memory."""

    skips: ClassVar[bool] = False
    """Whether the step does nothing where `found_inf`, a float32 scalar on the device that the engine sets, is 1, as
    torch's fused kernels of Adam and SGD do. Otherwise the engine puts weights and state back."""

    def __init__(self, cfg: Any) -> None:
        self.cfg = cfg

    def build(self, groups: list[dict[str, Any]]) -> Updates:
        """An optimizer of these groups, mappings of `params` (and `lr_factor`, which is the engine's)."""
        raise NotImplementedError

    def settings(self, kimg: float, lr: float, c: float) -> Mapping[str, Any]:
        """What every group has in the step at `kimg`, `lr` among it.

        `c` corrects for lazy regularization, and is 1 without: where averages are kept over steps, the rate becomes
        c * lr and a decay beta ** c (arXiv:1912.04958, appendix B).
        """
        return {"lr": lr}
