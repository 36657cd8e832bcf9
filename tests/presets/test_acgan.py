"""ACGAN: layers of the paper's tables, the cross entropy of published code, and who learns which class."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.fakes import made
from support.golden_cases import Case, cases
from support.presets import preset as shipped
from support.presets import shrunk
from support.tiny import tiny_experiment, trainer_for
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from gancore.composition import GAN, compose
from gancore.config import load_experiment
from gancore.contracts import Interface, Judged
from gancore.errors import ConfigError
from gancore.nn import Conv2d

STEP: Any = SimpleNamespace(kimg=0.0)


def composed() -> GAN:
    with torch.device("meta"):
        return compose(shipped("acgan"), Interface(32, 3, 10))


def judged(classes: Tensor, labels: Tensor) -> Judged:
    rows = torch.eye(classes.shape[1], dtype=classes.dtype)[labels]
    return Judged(rows, (torch.zeros(len(classes), dtype=classes.dtype),), {"class_logits": (classes,)})


def test_it_has_the_layers_of_the_papers_tables() -> None:
    gan = composed()
    convolutions = [module for module in gan.discriminator.modules() if isinstance(module, Conv2d)]
    assert [tuple(conv.weight.shape) for conv in convolutions] == [
        (16 << i, 3 if i == 0 else 8 << i, 3, 3) for i in range(6)
    ]
    assert [conv.sampling for conv in convolutions] == ["down", None] * 3
    assert [conv.normalization is not None for conv in convolutions] == [False] + [True] * 5
    assert gan.discriminator.get_parameter("classes.weight").shape == (10, 512 * 4 * 4)
    sizes = [tuple(p.shape) for name, p in gan.generator.named_parameters() if name.endswith("weight") and p.ndim > 1]
    assert sizes[0] == (384 * 16, 110)
    assert {(s[0], s[1]) for s in sizes[1:]} == {(192, 384), (96, 192), (3, 96)}


@pytest.mark.parametrize("case", cases("s04_class_losses"), ids=str)
def test_the_cross_entropy_is_that_of_published_code(case: Case) -> None:
    classes = case.tensors["acgan.cls"].double().requires_grad_()
    fake = judged(classes, case.tensors["labels"])
    value = made("loss", "acgan").generator_loss(STEP, fake, None) - softplus(torch.zeros([]))
    torch.testing.assert_close(value.detach(), case.tensors["acgan.value64"], rtol=1e-7, atol=0)
    got = torch.autograd.grad(value, classes)[0]
    torch.testing.assert_close(got, case.tensors["acgan.grad_cls64"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("fakes", [True, False])
def test_d_learns_the_classes_of_reals_and_if_asked_of_fakes(fakes: bool) -> None:
    logits = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(6) % 3
    real, fake = (judged(side, labels) for side in logits)
    loss = made("loss", "acgan", fakes=fakes, weight=2).discriminator_loss(STEP, real, fake)
    want = torch.stack([cross_entropy(logits[i], labels) for i in range(1 + fakes)]).sum()
    assert float(loss.detach()) == pytest.approx(
        2 * float(want.detach()) + 2 * float(softplus(torch.zeros([], dtype=torch.float64)))
    )
    slopes = torch.autograd.grad(loss, logits)[0]
    assert bool(slopes[0].abs().max() > 0)
    assert bool(slopes[1].abs().max() > 0) == fakes


def test_without_labels_it_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"needs classes; write `data.labels: true`"):
        tiny_experiment(loss="acgan", discriminator={"use": "acgan", "width": 2})


@pytest.mark.slow
def test_the_classifier_learns() -> None:
    """Its cross entropy on real images falls below that of guessing; dropout off, so that few steps are enough."""
    mapping = shrunk("acgan").to_dict()
    mapping["discriminator"] |= {"width": 8, "dropout": 0}
    mapping["training"] |= {"batch": 32, "optimizer": {"lr": 0.002}}
    trainer = trainer_for(load_experiment(mapping))
    for _ in range(40):
        trainer.step()
    data, D = trainer.data, trainer.gan.discriminator
    indices = torch.arange(128) * len(data) // 128
    label = data.labels_of(indices, "cpu")
    assert label is not None
    with torch.no_grad():
        _, outputs = D((data.batch(indices, None, "cpu"),), label, None, 1, ("class_logits",))
    guessed = cross_entropy(torch.zeros_like(label), label)
    assert cross_entropy(outputs["class_logits"][0], label) < 0.9 * guessed
