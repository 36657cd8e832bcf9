"""Generators for other programs: torch.jit.trace and torch.export, with a free batch size."""

import copy
import pickle
import warnings
from collections.abc import Iterator

import pytest
import torch
from support.small import experiment_of, names, normalizations
from torch import Tensor
from torch.nn import functional as F

from gancore.composition import compose_generator
from gancore.contracts import Generator, Interface, Normalization
from gancore.nn.kernels import winograd
from gancore.nn.kernels.convolution import conv2d

LABELS = 3
QUICK = ["stack", "skip"]
"""Generators that are traced and exported in every run of the tests: convolutions, and styles with noise."""

ALL = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in names("generator")]


def built(name: str, *overrides: str) -> Generator:
    torch.manual_seed(0)
    return compose_generator(experiment_of(name, "residual", *overrides), Interface(8, 3, LABELS)).eval()


def inputs(G: Generator, n: int) -> tuple[Tensor, Tensor]:
    return torch.randn(n, G.z_dim), F.one_hot(torch.arange(n) % LABELS, LABELS).float()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Sizes of weights look like tensors to jit.trace, which also says that it is old."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield


def agree(G: Generator, other: torch.nn.Module, *sizes: int) -> None:
    for n in sizes:
        z, label = inputs(G, n)
        want = G(z, label)
        torch.testing.assert_close(other(z, label), want, rtol=0, atol=1e-5 * float(want.detach().abs().max()))


@pytest.mark.parametrize("name", ALL)
def test_traced_for_any_batch(name: str) -> None:
    G = built(name)
    agree(G, torch.jit.trace(G, inputs(G, 2), check_trace=False), 1, 2, 5)


@pytest.mark.parametrize("name", ALL)
def test_exported_for_any_batch(name: str) -> None:
    G = built(name)
    exported(G)


@pytest.mark.slow
@pytest.mark.parametrize("normalization", normalizations(Normalization))
def test_exported_with_every_normalization(normalization: str) -> None:
    exported(built("skip", f"generator.normalization={normalization}"))


@pytest.mark.slow
def test_exported_with_spectral_norm() -> None:
    exported(built("dcgan", "generator.weight_normalization=spectral"))


def exported(G: Generator) -> None:
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(G, inputs(G, 2), dynamic_shapes=({0: batch}, {0: batch}))
    assert not own_operators(program)
    agree(G, program.module(), 1, 2, 5)


@pytest.mark.parametrize("name", names("generator"))
def test_copied_and_pickled(name: str) -> None:
    G = built(name)
    agree(G, copy.deepcopy(G), 2)
    agree(G, pickle.loads(pickle.dumps(G)), 2)


def test_no_operator_of_this_package_is_in_an_exported_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the batch size that is exported one at which a quicker way would pay."""
    monkeypatch.setattr(winograd, "CPU_CAPABILITY", "AVX2")

    class Wide(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return conv2d(x, torch.ones(128, 128, 3, 3), padding=1)

    x = torch.randn(2, 128, 16, 16)
    assert winograd.pays(x, (128, 128, 3, 3), 1, 1, 1, 128)
    program = torch.export.export(Wide(), (x,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    assert not own_operators(program)
    torch.testing.assert_close(program.module()(x[:1]), Wide()(x[:1]), rtol=1e-4, atol=1e-2)


def own_operators(program: torch.export.ExportedProgram) -> list[str]:
    return [str(node.target) for node in program.graph.nodes if "gancore" in str(node.target)]
