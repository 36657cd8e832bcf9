"""Optimizers of the two networks and of the parts trained with them, with the correction for lazy regularization.

StyleGAN2 (arXiv:1912.04958, appendix B): a regularizer applied every k-th step makes k + 1 updates where there were
k, so with c = 1 / (1 + sum_i 1/k_i) the learning rate becomes c * lr and Adam's betas beta ** c.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gancore.contracts import Optimizer, ParamGroup, Part, value_at


def lazy_correction(intervals: Iterable[int]) -> float:
    """c for the intervals of the regularizers of a network; interval 1 is part of the main phase."""
    return 1 / (1 + sum(1 / k for k in intervals if k > 1))


def kernel_skips(optimizer: Optimizer, device: torch.device) -> bool:
    """Whether the kernel of an optimizer skips an update on a device flag.

    Those for Apple GPUs take the flag and ignore it.
    """
    return optimizer.skips and device.type != "mps"


class NetworkOptimizer:
    """The optimizer of one network: follows the schedule of its rate, and skips updates on a device flag."""

    def __init__(
        self,
        optimizer: Optimizer,
        network: nn.Module,
        intervals: Sequence[int] = (),
        beside: Mapping[str, nn.Module] | None = None,
    ) -> None:
        """intervals: of the network's regularizers. beside: parts outside of the network that are trained with it."""
        self.optimizer, self.correction = optimizer, lazy_correction(intervals)
        self.network = network
        modules = {"": network, **{f"{key}/": part for key, part in (beside or {}).items()}}
        self.names: dict[Tensor, str] = {
            p: prefix + name for prefix, module in modules.items() for name, p in module.named_parameters()
        }
        self.params = [p for module in modules.values() for p in module.parameters() if p.requires_grad]
        self.used: list[nn.Parameter] = []
        self.torch_optimizer = optimizer.build(_groups(self.params, modules.values()))

    def step(self, kimg: float, skip: Tensor, lr: float | None = None) -> None:
        """Updates from the gradients in place, unless `skip` (float32 scalar on the device) is 1.

        Parameters without a gradient do not change, nor do their moments. `lr` replaces the optimizer's rate.
        """
        self._follow_schedules(kimg, lr)
        if kernel_skips(self.optimizer, skip.device):
            self.torch_optimizer.found_inf = skip  # type: ignore[attr-defined]
            self.torch_optimizer.step()
        else:
            self._step_or_put_back(skip)

    def _follow_schedules(self, kimg: float, lr: float | None) -> None:
        rate = value_at(self.optimizer.cfg.lr, kimg) if lr is None else lr
        settings = self.optimizer.settings(kimg, rate, self.correction)
        for group in self.torch_optimizer.param_groups:
            group |= {**settings, "lr": settings["lr"] * group["lr_factor"]}

    @torch.no_grad()
    def _step_or_put_back(self, skip: Tensor) -> None:
        """Updates, and undoes the update if `skip` is 1, without waiting for the device."""
        before = {key: value.clone() for key, value in self._values(skip.device).items()}
        self.torch_optimizer.step()
        for key, value in self._values(skip.device).items():
            old = before.get(key, torch.zeros((), dtype=value.dtype, device=value.device))  # moments begin at zero
            value.copy_(torch.where(skip.bool(), old, value))

    def _values(self, device: torch.device) -> dict[str, Tensor]:
        """What an update changes on the device, by name. RMSprop counts steps on the host, but does not use them."""
        values = self.state() | {self.names[p]: p for p in self.params}
        return {name: value for name, value in values.items() if value.device == device}

    def reset(self) -> None:
        """Resets all moments and step counts."""
        self.torch_optimizer.state.clear()

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def note_used(self) -> None:
        """Remembers which parameters have a gradient: after a main phase, those that the network uses at its stage."""
        self.used = [p for p in self.network.parameters() if p.grad is not None]

    def fill_gradients(self) -> None:
        """Sets the gradient of used parameters without one to zero, unless no parameter has one.

        A penalty may not reach all of them: path length does not depend on the biases of toRGB, R1 not on that of the
        last layer. In the published code of StyleGAN2 such a phase still counts as a step with gradient zero for them.
        """
        if any(p.grad is not None for p in self.params):
            for p in self.used:
                if p.grad is None:
                    p.grad = torch.zeros_like(p)

    def state(self) -> dict[str, Tensor]:
        """Moments and step counts by parameter name: {"synthesis.b4.const/exp_avg": ...}."""
        return {
            f"{self.names[p]}/{key}": value
            for p, entries in self.torch_optimizer.state.items()
            for key, value in entries.items()
            if isinstance(value, Tensor)
        }

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Restores what `state` returned, on the device of each parameter; parameters without state start anew."""
        by_name = {name: p for p, name in self.names.items()}
        self.reset()
        for key, value in tensors.items():
            name, _, entry = key.rpartition("/")
            p = by_name[name]
            # Moments have the strides of their parameter, or the kernels would sum in another order.
            own = torch.empty_like(value, device=p.device) if entry == "step" else torch.empty_like(p)
            self.torch_optimizer.state[p][entry] = own.copy_(value)


def _groups(params: Iterable[nn.Parameter], modules: Iterable[nn.Module]) -> list[dict[str, Any]]:
    """Special parameter groups of the parts first, all other parameters in one group after them."""
    parts = [part for module in modules for part in module.modules() if isinstance(part, Part)]
    special: list[ParamGroup] = [group for part in parts for group in part.param_groups()]
    taken = {id(p) for g in special for p in g.params}
    rest = [p for p in params if id(p) not in taken]
    groups = [*special, ParamGroup(rest)]
    return [{"params": g.params, "lr_factor": g.lr_factor} for g in groups if g.params]
