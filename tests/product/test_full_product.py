"""Every normalization x generator x discriminator of the registry trains with every regularizer, and loads again."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import tiny_experiment, tiny_mapping

from gancore.artifacts import load, save_model
from gancore.contracts import Normalization, WeightNormalization
from gancore.data import ImageData
from gancore.discovery import discover
from gancore.training.run import new_trainer, training_data
from gancore.training.trainer import Trainer


def names(kind: str) -> list[str]:
    return [spec.name for spec in discover().specs(kind)]


def normalizations(base: type) -> list[str]:
    return [spec.name for spec in discover().specs("normalization") if issubclass(spec.load(), base)]


PRODUCT = list(itertools.product(normalizations(Normalization), names("generator"), names("discriminator")))

# Clipping to its default of 0.01 would be the end of weights that start with variance 1.
REGULARIZERS: dict[str, Any] = {name: {} for name in names("regularizer")} | {"weight_clipping": {"limit": 1}}


@pytest.fixture(scope="module")
def data() -> ImageData:
    return training_data(tiny_experiment())


def build(data: ImageData, normalization: str, generator: str, discriminator: str, **changes: Any) -> Trainer:
    mapping = tiny_mapping(
        generator__normalization=normalization,
        generator__use=generator,
        discriminator=discriminator,
        regularizers=REGULARIZERS,
        **changes,
    )
    return new_trainer(tiny_experiment_of(mapping), data, torch.device("cpu"))


def tiny_experiment_of(mapping: dict[str, Any]) -> Any:
    from gancore.config import load_experiment

    return load_experiment(mapping)


def train_watching_gradients(trainer: Trainer, steps: int) -> dict[str, bool]:
    """For every parameter, whether it met a gradient that was not all zero; raises if one was not finite."""
    moved = {f"{n}/{k}": False for n, m in trainer.networks.items() for k, _ in m.named_parameters()}
    gradients = trainer.gradients

    def watched(phase: Any, microbatch: int | None = None) -> torch.Tensor:
        loss = gradients(phase, microbatch)
        for name, p in trainer.networks[phase.network].named_parameters():
            if p.grad is not None:
                assert torch.isfinite(p.grad).all(), f"{phase.name}: gradient of {name}"
                moved[f"{phase.network}/{name}"] |= bool(p.grad.any())
        return loss

    trainer.gradients = watched  # type: ignore[method-assign]
    for _ in range(steps):
        trainer.step()
    return moved


@pytest.mark.parametrize(("normalization", "generator", "discriminator"), PRODUCT)
def test_trains_with_every_regularizer_and_loads(
    data: ImageData, normalization: str, generator: str, discriminator: str, tmp_path: Path
) -> None:
    trainer = build(data, normalization, generator, discriminator)
    moved = train_watching_gradients(trainer, steps=2)
    assert [name for name, did in moved.items() if not did] == []
    assert trainer.guard.first_bad_step() is None

    mapping = tiny_mapping(
        generator__normalization=normalization, generator__use=generator, discriminator=discriminator
    )
    save_model(tmp_path / "model.safetensors", trainer.ema, tiny_experiment_of(mapping), {})
    loaded = load(tmp_path / "model.safetensors")
    z = torch.randn(3, loaded.z_dim, generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded(z), trainer.ema(z))


@pytest.mark.parametrize("combination", PRODUCT[::13], ids="-".join)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_labels_and_channels(combination: tuple[str, str, str], channels: int) -> None:
    mapping = tiny_mapping(
        data__channels=channels,
        data__labels=True,
        generator__normalization=combination[0],
        generator__use=combination[1],
        discriminator=combination[2],
        training__batch=4,
    )
    experiment = tiny_experiment_of(mapping)
    trainer = new_trainer(experiment, training_data(experiment), torch.device("cpu"))
    trainer.step()
    assert trainer.guard.first_bad_step() is None
    z, label = torch.randn(2, trainer.ema.z_dim), torch.eye(9)[:2]
    image = trainer.ema(z, label)
    assert image.shape == (2, channels, 16, 16)
    assert not torch.equal(image, trainer.ema(z, label.flip(0)))


@pytest.mark.parametrize("name", normalizations(WeightNormalization))
@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_weight_normalization_in_either_network(data: ImageData, name: str, network: str) -> None:
    mapping = tiny_mapping(discriminator={"use": "residual"})
    mapping[network]["weight_normalization"] = name
    trainer = new_trainer(tiny_experiment_of(mapping), data, torch.device("cpu"))
    assert all(train_watching_gradients(trainer, steps=2).values())


@pytest.mark.parametrize("loss", names("loss"))
@pytest.mark.parametrize("augmentation", [None, *names("augmentation")])
def test_losses_and_augmentations(data: ImageData, loss: str, augmentation: str | None) -> None:
    trainer = new_trainer(tiny_experiment(loss=loss, augmentation=augmentation), data, torch.device("cpu"))
    for _ in range(2):
        trainer.step()
    assert trainer.guard.first_bad_step() is None
