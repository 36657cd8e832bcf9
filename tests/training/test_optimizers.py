"""Optimizer state is put back on the device of its parameter, whatever device the file was read to."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gancore.training.step.optimizers import NetworkOptimizer
from gancore_plugins.optimizers.adam import Adam
from gancore_plugins.optimizers.rmsprop import RMSprop
from gancore_plugins.optimizers.sgd import SGD

OPTIMIZERS: dict[str, Any] = {
    "adam": Adam(Adam.Config(lr=0.01, betas=(0.5, 0.9))),
    "rmsprop": RMSprop(RMSprop.Config(lr=0.01)),
    "sgd": SGD(SGD.Config(lr=0.01, momentum=0.5)),
}


def stepped(cfg: Any, device: str) -> NetworkOptimizer:
    """An optimizer that has made one step."""
    network = nn.Linear(3, 2, device=device)
    optimizer = NetworkOptimizer(cfg, network)
    for p in network.parameters():
        p.grad = torch.ones_like(p)
    optimizer.step(0.0, torch.zeros((), device=device))
    return optimizer


@pytest.mark.parametrize("cfg", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_state_is_restored_on_the_device_of_its_parameter(cfg: Any) -> None:
    """`meta` takes the place of a GPU: its tensors, too, cannot be mixed with those of the CPU."""
    saved = stepped(cfg, "cpu").state()
    assert saved
    assert {value.device.type for value in saved.values()} == {"cpu"}
    network = nn.Linear(3, 2, device="meta")
    optimizer = NetworkOptimizer(cfg, network)
    optimizer.load_state(saved)
    devices = {key: value.device.type for key, value in optimizer.state().items()}
    assert devices == dict.fromkeys(saved, "meta")


@pytest.mark.parametrize("cfg", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_restored_state_is_a_copy_that_steps_alike(cfg: Any) -> None:
    first = stepped(cfg, "cpu")
    saved = {key: value.clone() for key, value in first.state().items()}
    second = stepped(cfg, "cpu")
    second.load_state(saved)
    second.network.load_state_dict(first.network.state_dict())
    for optimizer in (first, second):
        optimizer.step(0.0, torch.zeros(()))
    assert_equal(first.state(), second.state())
    assert_equal(first.network.state_dict(), second.network.state_dict())
    assert any(not torch.equal(value, saved[key]) for key, value in second.state().items())


def assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [key for key in a if not torch.equal(a[key], b[key])] == []
