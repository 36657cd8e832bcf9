"""A StyleGAN2 small enough to train in a test: 16x16 emoji, a few thousand parameters."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gancore.config import Experiment, load_experiment
from gancore.data import ImageData
from gancore.training.initial import new_trainer, training_data
from gancore.training.trainer import Trainer

TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {"use": "emoji", "resolution": 16, "fit": "resize", "mirror": True},
    "generator": {
        "use": "skip",
        "normalization": "demod",
        "z_dim": 8,
        "w_dim": 8,
        "mapping": {"layers": 2},
        "channels": {"base": 64, "max": 8},
    },
    "discriminator": "residual",
    "regularizers": {
        "r1": {"gamma": 1, "interval": 4},
        "path_length": {"interval": 2},
        "style_mixing": {"probability": 0.9},
    },
    "training": {
        "kimg": 0.064,
        "batch": 8,
        "device": "cpu",
        "threads": 1,
        "log_kimg": 0.016,
        "sample_kimg": 0.032,
        "checkpoint_kimg": 0.016,
    },
}


QUICK: dict[str, Any] = {
    "data__resolution": 8,
    "generator": {"use": "mlp", "hidden": [8], "z_dim": 8, "normalization": "none"},
    "discriminator": {"use": "mlp", "hidden": [8]},
    "regularizers": {"r1": {"gamma": 1, "interval": 4}},
}
"""Changes to TINY that leave two small MLPs, for tests of what happens around the steps."""

OPENED: dict[str, ImageData] = {}
"""Data sets by their options."""


def tiny_mapping(**changes: Any) -> dict[str, Any]:
    """TINY with changes: `training__batch=4` sets training.batch; None removes a key."""
    mapping = copy.deepcopy(TINY)
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = mapping
        for key in parents:
            at = at.setdefault(key, {})
        if value is None:
            at.pop(last, None)
        else:
            at[last] = value
    return mapping


def tiny_experiment(**changes: Any) -> Experiment:
    return load_experiment(tiny_mapping(**changes), base=Path.cwd())


def tiny_trainer(**changes: Any) -> Trainer:
    return trainer_for(tiny_experiment(**changes))


def quick_experiment(**changes: Any) -> Experiment:
    return tiny_experiment(**(QUICK | changes))


def quick_trainer(**changes: Any) -> Trainer:
    return trainer_for(quick_experiment(**changes))


def trainer_for(experiment: Experiment, device: str = "cpu") -> Trainer:
    """A trainer at step 0."""
    return new_trainer(experiment, data_of(experiment), torch.device(device))


def walked(trainer: Trainer, steps: int) -> Trainer:
    """The trainer some steps later."""
    for _ in range(steps):
        trainer.step()
    return trainer


def assert_equal_bits(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


def data_of(experiment: Experiment) -> ImageData:
    """The images of an experiment. Emoji of the same options are opened once, and share pixels."""
    options = experiment.to_dict()["data"]
    if options["use"] != "emoji":
        return training_data(experiment)
    key = json.dumps(options)
    if key not in OPENED:
        OPENED[key] = training_data(experiment)
    return copy.copy(OPENED[key])
