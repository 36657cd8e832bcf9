"""Golden p09: gradient penalties through a small discriminator, and the whole D loss of R3GAN."""

from typing import Any

import pytest
import torch
from support.fakes import FakeDraw, FakeStep, made
from support.golden_cases import Case, close
from support.golden_p09 import DTYPES, NETWORKS, Discriminator, compare, compare_gradients
from torch import Tensor

# The sidecar's names: our plugin and its options; gamma None is the sidecar's.
PENALTIES: dict[str, tuple[str, dict[str, Any]]] = {
    "wgan_gp": ("wgan_gp", {"weight": 1}),
    "r1_studiogan": ("r1", {"gamma": 1}),
    "r1": ("r1", {"gamma": None}),
    "r2": ("r2", {"gamma": None}),
}


def step_of(case: Case, dtype: torch.dtype) -> FakeStep:
    real, fake = (case.tensors[name].to(dtype) for name in ("real", "fake"))
    draw = FakeDraw(len(real), given={"wgan_gp": case.tensors["u"].view(-1, 1, 1, 1)})
    return FakeStep(Discriminator(case, dtype), (real,), (fake,), draw=draw)


def penalty(case: Case, name: str, step: FakeStep) -> Tensor:
    plugin, options = PENALTIES[name]
    options = {key: case.sidecar["gamma"] if value is None else value for key, value in options.items()}
    return made("regularizer", plugin, **options).penalty(step)


def parameters(step: FakeStep) -> dict[str, Tensor]:
    assert isinstance(step.D, Discriminator)
    return {f".{key}": value for key, value in step.D.state.items()}


@pytest.mark.parametrize("case", NETWORKS, ids=str)
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("precision", DTYPES)
def test_golden_penalty(case: Case, name: str, precision: str) -> None:
    assert case.sidecar["penalties"].keys() == PENALTIES.keys()
    step = step_of(case, DTYPES[precision])
    value = penalty(case, name, step)
    compare(case, f"{name}.penalty", value, precision)
    if precision:
        compare_gradients(case, f"{name}.penalty", value.mean(), parameters(step))


@pytest.mark.parametrize("case", [c for c in NETWORKS if "r3gan.d.r1" in c.tensors], ids=str)
@pytest.mark.parametrize("precision", DTYPES)
def test_golden_r3gan(case: Case, precision: str) -> None:
    step = step_of(case, DTYPES[precision])
    loss = made("loss", "relativistic")
    adversarial = loss.d(*step.discriminate(step.real, None), *step.discriminate(step.fake.images, None))
    penalties = {name: penalty(case, name, step) for name in ("r1", "r2")}
    half = case.sidecar["gamma"] / 2
    parts = {"adversarial": adversarial, **{name: value / half for name, value in penalties.items()}}
    for name, value in parts.items():
        want, want64 = (case.tensors[f"r3gan.d{p}.{name}"] for p in (precision, "64"))
        close(value, want, want64, rtol64=1e-7)
    if precision:
        total = (adversarial + sum(penalties.values())).mean()
        for key, parameter in parameters(step).items():
            (gradient,) = torch.autograd.grad(total, parameter, retain_graph=True, materialize_grads=True)
            close(gradient, case.tensors[f"r3gan.d64.grad{key}"], rtol64=1e-7)
