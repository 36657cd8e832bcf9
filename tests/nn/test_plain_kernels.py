"""The fast paths and torch's own operations agree in every network, to the second derivative."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from support.small import load, names, options_of
from torch import Tensor

from gancore.contracts import Interface, Normalization, Site
from gancore.nn import kernels
from gancore.nn.kernels import plain_kernels
from gancore.nn.kernels.resampled_conv import downsampling_conv2d, upsampling_conv2d

NETWORKS = [(kind, name) for kind in ("generator", "discriminator") for name in names(kind)]
FAST = {"_OutputBackward", "_InputGradientBackward", "_ResampleBackward", "_StyledBackward"}
"""Names of the fast paths in autograd's graph."""


def network_of(kind: str, name: str) -> tuple[torch.nn.Module, Tensor, dict[str, Any]]:
    """A small float64 network, its input and how it is called."""
    cls, pin = load(kind, name), load("normalization", "pin")

    def normalize(site: Site) -> Normalization:
        return pin(pin.Config(rho_mode="fixed"), site)

    torch.manual_seed(0)
    still = {"dropout": 0} if "dropout" in cls.Config.model_fields else {}  # its masks depend on the layout in memory
    made = cls(cls.Config(**options_of(kind, name) | still), Interface(16, 3), normalize).double()
    if kind == "discriminator":
        return made, torch.randn(2, 3, 16, 16, dtype=torch.float64, requires_grad=True), {}
    ws = torch.randn(2, made.num_ws, made.w_dim, dtype=torch.float64, requires_grad=True)
    return made.synthesis, ws, {"noise_mode": "const"}


def outputs(kind: str, network: Any, x: Tensor, how: dict[str, Any]) -> Tensor:
    torch.manual_seed(1)
    ys = network(x, **how) if kind == "generator" else network((x,))
    return torch.cat([y.flatten() for y in ys])


def derivatives(y: Tensor, network: torch.nn.Module, x: Tensor) -> list[Tensor]:
    """The gradient of the input, and what a penalty on it means to the weights."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    (dx,) = torch.autograd.grad((y * torch.linspace(0, 1, len(y)).to(y)).sum(), x, create_graph=True)
    second = torch.autograd.grad(dx.square().sum() + y.sum(), parameters, materialize_grads=True)
    return [dx, *second]


def operations(y: Tensor) -> set[str]:
    """Names of everything in the graph of y."""
    found, seen, waiting = set(), set(), [y.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            found.add(node.name())
            waiting += [before for before, _ in node.next_functions]
    return found


@pytest.mark.parametrize(("kind", "name"), NETWORKS)
def test_both_ways_agree(kind: str, name: str) -> None:
    network, x, how = network_of(kind, name)
    fast = outputs(kind, network, x, how)
    with plain_kernels():
        plain = outputs(kind, network, x, how)
        expected = derivatives(plain, network, x)
    torch.testing.assert_close(fast, plain, rtol=1e-9, atol=1e-9)
    assert not operations(plain) & FAST
    for ours, theirs in zip(derivatives(fast, network, x), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-8)


def test_the_fast_paths_are_taken() -> None:
    network, x, how = network_of("generator", "skip")
    assert operations(outputs("generator", network, x, how)) >= FAST - {"_InputGradientBackward"}


@pytest.mark.parametrize("taps", [None, (1.0, 2.0, 1.0)])
@pytest.mark.parametrize("resampled", [upsampling_conv2d, downsampling_conv2d])
def test_boxes_agree(resampled: Any, taps: tuple[float, ...] | None) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 8, 8, dtype=torch.float64), torch.randn(4, 3, 3, 3, dtype=torch.float64)
    f = None if taps is None else torch.tensor(taps, dtype=torch.float64).outer(torch.tensor(taps, dtype=torch.float64))
    fast = resampled(x, weight, f=f, resampling="box")
    with plain_kernels():
        torch.testing.assert_close(resampled(x, weight, f=f, resampling="box"), fast)


@pytest.fixture
def reloaded() -> Iterator[None]:
    yield
    importlib.reload(kernels)


@pytest.mark.usefixtures("reloaded")
@pytest.mark.parametrize(("value", "plain"), [("1", True), ("0", False), ("", False)])
def test_the_environment_chooses(value: str, plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCORE_PLAIN_KERNELS", value)
    importlib.reload(kernels)
    assert kernels.plain() == plain
    monkeypatch.undo()
