"""Golden p10: main and lazy phases sharing one Adam, and the averaged generator, over 40 steps."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from torch import Tensor, nn

from gancore.config.sections.training import EMA, TrainingConfig
from gancore.contracts import PluginConfig, Regularizer
from gancore.training.step.ema import ema_decay, update_ema
from gancore.training.step.optimizers import NetworkOptimizer
from gancore.training.step.phases import phases_of
from gancore_plugins.optimizers.adam import Adam

DTYPES = {"": torch.float32, "64": torch.float64}
SIDES = {"G": "generator", "D": "discriminator"}


class Interval(PluginConfig):
    interval: int


class Penalty(Regularizer):
    def __init__(self, cfg: Interval, side: str) -> None:
        super().__init__(cfg)
        self.side = side  # type: ignore[misc]


class Net(nn.Module):
    def __init__(self, start: dict[str, Tensor]) -> None:
        super().__init__()
        self.a = nn.Parameter(start["a"].clone())
        self.b = nn.Parameter(start["b"].clone())


def under(prefix: str, case: Case, dtype: torch.dtype) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v.to(dtype) for k, v in case.tensors.items() if k.startswith(prefix)}


def set_gradients(net: Net, given: dict[str, dict[str, Tensor]], phase, step: int) -> None:
    """gain * (H (a - center) + noise) for `a`; `b` has a gradient in main phases only."""
    terms = (["main"] if phase.main else []) + (["reg"] if phase.regularizers else [])
    a = sum(given[t]["H"] @ (net.a.detach() - given[t]["center"]) + given[t]["noise"][step] for t in terms)
    net.a.grad = phase.interval * a
    net.b.grad = net.b.detach() + given["main"]["noise_b"][step] if phase.main else None


@pytest.mark.parametrize("case", cases("p10_*"), ids=str)
@pytest.mark.parametrize("suffix", DTYPES)
def test_golden_trajectories(case: Case, suffix: str) -> None:
    dtype, config = DTYPES[suffix], case.sidecar["config"]
    nets = {side: Net(under(f"{key}.init.", case, dtype)) for key, side in SIDES.items()}
    given = {
        side: {term: under(f"{key}.{term}.", case, dtype) for term in ("main", "reg")} for key, side in SIDES.items()
    }
    intervals = {side: config[f"{key}_int"] or 1 for key, side in SIDES.items()}
    regularizers = {side: Penalty(Interval(interval=k), side) for side, k in intervals.items()}
    optimizers = {
        side: NetworkOptimizer(Adam(Adam.Config(**config[f"{key}_opt"])), nets[side], [intervals[side]])
        for key, side in SIDES.items()
    }
    average = Net(under("G_ema.init.", case, dtype))
    batch, ema = config["batch"], EMA(halflife_kimg=config["ema_kimg"], rampup=config["ema_rampup"])
    go = torch.zeros(())

    for step in range(config["steps"]):
        for phase in phases_of(TrainingConfig(batch=batch), regularizers):
            if phase.is_due(step):
                set_gradients(nets[phase.network], given[phase.network], phase, step)
                optimizers[phase.network].step(0.0, go)
        decay = ema_decay(ema, batch, step * batch)
        assert decay == pytest.approx(float(case.tensors["ema_beta64"][step]), rel=1e-12)
        update_ema(average, nets["generator"], decay)
        for name, net in {"G": nets["generator"], "D": nets["discriminator"], "G_ema": average}.items():
            for p in ("a", "b"):
                want = case.tensors[f"traj{suffix}.{name}.{p}"][step]
                reference = case.tensors[f"traj64.{name}.{p}"][step]
                close(getattr(net, p).detach(), want, reference)

    for key, side in SIDES.items():
        state = optimizers[side].state()
        counts = {p: int(state[f"{p}/step"]) for p in ("a", "b")}
        assert counts == case.sidecar["adam_steps"][key]
