"""Every normalization x generator x discriminator of Table 2 trains with every regularizer, and loads again.

The other networks of the registry are in test_other_networks.py, crossed with one another in test_crossing.py.
"""

import itertools
from pathlib import Path

import pytest
import torch
from support.small import (
    TABLE2,
    diagonal,
    experiment_of,
    names,
    normalizations,
    sampled,
    train_watching_gradients,
    with_loss,
)
from support.tiny import tiny_experiment, tiny_mapping, trainer_for

from gancore.artifacts import load, save_model
from gancore.config import load_experiment
from gancore.contracts import Normalization, WeightNormalization
from gancore.data import ImageData
from gancore.training.initial import new_trainer, training_data
from gancore.training.trainer import Trainer

NORMALIZATIONS = normalizations(Normalization)
PRODUCT = list(itertools.product(NORMALIZATIONS, TABLE2, TABLE2))
SAMPLE = {(name, TABLE2[i % 3], TABLE2[i // 3 % 3]) for i, name in enumerate(NORMALIZATIONS)}
"""Every normalization once, and every generator with every discriminator; the slow tests have all of them."""

LOSSES = list(itertools.product(names("loss"), ["none", *names("augmentation")]))


@pytest.fixture(scope="module")
def data() -> ImageData:
    return training_data(tiny_experiment())


def build(data: ImageData, normalization: str, generator: str, discriminator: str) -> Trainer:
    experiment = experiment_of(generator, discriminator, f"generator.normalization={normalization}")
    return new_trainer(experiment, data, torch.device("cpu"))


@pytest.mark.parametrize(("normalization", "generator", "discriminator"), sampled(PRODUCT, SAMPLE))
def test_trains_with_every_regularizer_and_loads(
    data: ImageData, normalization: str, generator: str, discriminator: str, tmp_path: Path
) -> None:
    trainer = build(data, normalization, generator, discriminator)
    moved = train_watching_gradients(trainer, steps=2)
    assert [name for name, did in moved.items() if not did] == []
    assert trainer.guard.first_bad_step() is None

    experiment = experiment_of(generator, discriminator, f"generator.normalization={normalization}")
    save_model(tmp_path / "model.safetensors", trainer.ema, experiment, {})
    loaded = load(tmp_path / "model.safetensors")
    z = torch.randn(3, loaded.z_dim, generator=torch.Generator().manual_seed(0))
    assert torch.equal(loaded(z), trainer.ema(z))


@pytest.mark.parametrize(
    ("combination", "channels"), [(PRODUCT[31 * i % len(PRODUCT)], (1, 3, 4)[i]) for i in range(3)], ids=str
)
def test_labels_and_channels(combination: tuple[str, str, str], channels: int) -> None:
    mapping = tiny_mapping(
        data__channels=channels,
        data__labels=True,
        generator__normalization=combination[0],
        generator__use=combination[1],
        discriminator=combination[2],
        training__batch=4,
    )
    experiment = load_experiment(mapping)
    trainer = trainer_for(experiment)
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
    trainer = new_trainer(load_experiment(mapping), data, torch.device("cpu"))
    assert all(train_watching_gradients(trainer, steps=2).values())


@pytest.mark.parametrize(
    ("loss", "augmentation"), sampled(LOSSES, diagonal(names("loss"), ["none", *names("augmentation")]))
)
def test_losses_and_augmentations(loss: str, augmentation: str) -> None:
    changes = with_loss(loss) | {"augmentation": None if augmentation == "none" else augmentation}
    trainer = trainer_for(tiny_experiment(**changes))
    for _ in range(2):
        trainer.step()
    assert trainer.guard.first_bad_step() is None
