"""Nothing in a step makes the host wait for the device: no value is read from it, no copy to it blocks.

The steps run on the device `meta`: tests/support/on_meta.py.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.on_meta import HostWaits, on_meta, watched, watched_step
from support.small import experiment_of, names, normalizations, with_loss
from support.tiny import tiny_experiment
from torch import Tensor

from gancore.contracts import Normalization

EVERY_STEP = {"r1": {"interval": 1}, "path_length": {"interval": 1}, "style_mixing": {}}
KINDS = {
    "loss": names("loss"),
    "augmentation": names("augmentation"),
    "generator__normalization": normalizations(Normalization),
    "discriminator__normalization": ["none", "batch"],
}
MIXED = [
    {key: options[i % len(options)] for key, options in KINDS.items()} for i in range(max(map(len, KINDS.values())))
]


SOME = [changes if i % 4 == 0 else pytest.param(changes, marks=pytest.mark.slow) for i, changes in enumerate(MIXED)]


@pytest.mark.parametrize("changes", SOME, ids=lambda changes: "-".join(changes.values()))
def test_every_part(changes: dict[str, str]) -> None:
    """Every loss, augmentation and normalization at least once, with every regularizer of StyleGAN2 in every step."""
    use = {"data__resolution": 8, "discriminator": {"use": "residual"}, "regularizers": EVERY_STEP}
    watched_step(tiny_experiment(**use | with_loss(changes["loss"]) | changes))


def test_microbatches_and_phases_of_their_own() -> None:
    lazy = {"r1": {"interval": 1}, "r2": {"interval": 1}, "wgan_gp": {"interval": 1}}
    changes = {"data__resolution": 4, "training__microbatch": 4, "training__d_steps": 2, "training__draws": "device"}
    watched_step(tiny_experiment(regularizers=lazy, **changes))


@pytest.mark.slow
@pytest.mark.parametrize("generator", names("generator"))
def test_generators(generator: str) -> None:
    watched_step(experiment_of(generator, "residual"))


@pytest.mark.slow
@pytest.mark.parametrize("discriminator", names("discriminator"))
def test_discriminators(discriminator: str) -> None:
    watched_step(experiment_of("skip", discriminator))


@pytest.mark.slow
def test_growing() -> None:
    growth = {"start": 8, "stable_kimg": 0.008, "fade_kimg": 0.016}
    watched_step(experiment_of("progressive", "progressive", training__growth=growth))


def _reads_an_item(penalty: Tensor) -> Tensor:
    return penalty * penalty.mean().item()


def _asks_if_true(penalty: Tensor) -> Tensor:
    return penalty if penalty.mean() > 0 else -penalty


def _becomes_a_number(penalty: Tensor) -> Tensor:
    return penalty * float(penalty.mean())


def _prints(penalty: Tensor) -> Tensor:
    print(penalty)
    return penalty


def _is_formatted(penalty: Tensor) -> Tensor:
    assert f"{penalty.mean():.3f}"
    return penalty


def _goes_to_the_host(penalty: Tensor) -> Tensor:
    return penalty + penalty.cpu().sum().to(penalty.device)


def _is_listed(penalty: Tensor) -> Tensor:
    return penalty * sum(penalty.tolist())


def _is_an_array(penalty: Tensor) -> Tensor:
    return penalty * float(penalty.detach().numpy().mean())


def _is_masked(penalty: Tensor) -> Tensor:
    return penalty[penalty > 0]


def _is_selected(penalty: Tensor) -> Tensor:
    return penalty.masked_select(penalty > 0)


def _asks_where(penalty: Tensor) -> Tensor:
    return penalty[torch.where(penalty > 0)[0]]


def _counts(penalty: Tensor) -> Tensor:
    return penalty * len(torch.nonzero(penalty))


def _copies_a_number(penalty: Tensor) -> Tensor:
    return penalty * torch.tensor([2.0], device=penalty.device)


FAULTS = [
    _reads_an_item, _asks_if_true, _becomes_a_number, _prints, _is_formatted, _goes_to_the_host, _is_listed,
    _is_an_array, _is_masked, _is_selected, _asks_where, _counts, _copies_a_number,
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_planted_fault_is_found(fault: Callable[[Tensor], Tensor]) -> None:
    trainer = on_meta(tiny_experiment(data__resolution=8, regularizers={"r1": {"interval": 2}}))
    r1 = trainer.gan.regularizers["r1"]
    penalty: Any = r1.penalty
    r1.penalty = lambda step: fault(penalty(step))  # type: ignore[method-assign]
    found = (HostWaits, RuntimeError, NotImplementedError, TypeError)
    with watched(), pytest.raises(found, match=r"(?i)meta|is printed|a copy of"):
        trainer.gradients(trainer.phases[-1])
