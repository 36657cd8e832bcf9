"""Skipped updates, by kernels that take the device's flag and by those that do not."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gancore.training.step import optimizers
from gancore.training.step.optimizers import NetworkOptimizer, kernel_skips
from gancore_plugins.optimizers.adam import Adam
from gancore_plugins.optimizers.rmsprop import RMSprop
from gancore_plugins.optimizers.sgd import SGD

CONFIGS = {
    "adam": Adam(Adam.Config(lr=0.1, betas=(0.3, 0.9))),
    "sgd": SGD(SGD.Config(lr=0.1)),
    "momentum": SGD(SGD.Config(lr=0.1, momentum=0.9, weight_decay=0.1)),
    "rmsprop": RMSprop(RMSprop.Config(lr=0.1)),
}
GOOD, BAD = torch.tensor(0.0), torch.tensor(1.0)


class Run:
    """A network and its optimizer."""

    def __init__(self, cfg: Any) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
        self.optimizer = NetworkOptimizer(cfg, self.network)

    def update(self, seed: int, skip: Tensor) -> None:
        """With gradients of a seed; those of a skipped update are not finite."""
        draws = torch.Generator().manual_seed(seed)
        for p in self.network.parameters():
            p.grad = torch.randn(p.shape, generator=draws) / (1 - skip)
        self.optimizer.step(0, skip)

    def state(self) -> dict[str, Tensor]:
        found = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        return found | {key: value.clone() for key, value in self.optimizer.state().items()}


def assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [key for key in a if not torch.equal(a[key], b[key])] == []


@pytest.fixture(params=["kernels that skip", "kernels that do not"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Apple GPUs take the flag and update all the same."""
    if request.param == "kernels that skip":
        return
    for name in ("_fused_adam_", "_fused_sgd_"):
        kernel = getattr(torch, name)

        def deaf(*args: Any, kernel: Any = kernel, **options: Any) -> None:
            kernel(*args, **{**options, "found_inf": None})

        monkeypatch.setattr(torch, name, deaf)
    monkeypatch.setattr(optimizers, "kernel_skips", lambda cfg, device: False)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("cfg", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("skipped", [0, 2])
def test_a_skipped_update_changes_nothing_and_the_next_is_as_if_it_had_not_been(cfg: Any, skipped: int) -> None:
    plain, run = Run(cfg), Run(cfg)
    for step in range(4):
        if step == skipped:
            before = run.state()
            run.update(99, BAD)
            for key, value in run.state().items():
                assert torch.equal(value, before[key] if key in before else torch.zeros_like(value)), key
        plain.update(step, GOOD)
        run.update(step, GOOD)
    assert_equal(plain.state(), run.state())


@pytest.mark.parametrize("cfg", CONFIGS.values(), ids=CONFIGS)
def test_putting_back_has_the_bits_of_kernels_that_skip(cfg: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Run(cfg), Run(cfg)
    for step in range(3):
        one.update(step, GOOD)
    monkeypatch.setattr(optimizers, "kernel_skips", lambda cfg, device: False)
    for step in range(3):
        other.update(step, GOOD)
    assert_equal(one.state(), other.state())


def test_momentum_starts_with_the_first_gradient_of_each_parameter() -> None:
    """Of a growing network, new layers get gradients later than others; torch's own kernel takes all or none."""
    run, alone = Run(CONFIGS["momentum"]), Run(CONFIGS["momentum"])
    first, second = run.network
    for p in first.parameters():
        p.grad = torch.ones_like(p)
    run.optimizer.step(0, GOOD)
    assert {key.split(".")[0] for key in run.optimizer.state()} == {"0"}
    for p in second.parameters():
        p.grad = torch.ones_like(p)
    run.optimizer.step(0, GOOD)
    for p in alone.network[1].parameters():
        p.grad = torch.ones_like(p)
    alone.optimizer.step(0, GOOD)
    for p, q in zip(second.parameters(), alone.network[1].parameters(), strict=True):
        assert torch.equal(p, q)


def test_which_kernels_skip() -> None:
    for cfg in CONFIGS.values():
        assert not kernel_skips(cfg, torch.device("mps"))
        for device in ("cpu", "cuda"):
            assert kernel_skips(cfg, torch.device(device)) != isinstance(cfg, RMSprop)
