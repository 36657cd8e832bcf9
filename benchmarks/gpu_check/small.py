"""Small trainings for the checks."""

from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu_check.check import Place
from gancore.composition import compose
from gancore.config import Experiment, load_experiment
from gancore.contracts import Interface
from gancore.cost.flops import blank_data
from gancore.training.trainer import Trainer

SMALL: dict[str, Any] = {
    "name": "gpu-check",
    "data": {"use": "emoji", "resolution": 16, "fit": "resize"},
    "generator": {
        "use": "skip",
        "normalization": "demod",
        "z_dim": 32,
        "w_dim": 32,
        "mapping": {"layers": 2},
        "channels": {"base": 512, "max": 32},
    },
    "discriminator": "residual",
    "regularizers": {"r1": {"gamma": 1, "interval": 4}, "path_length": {"interval": 2}, "style_mixing": {}},
    "training": {"kimg": 0.048, "batch": 8, "threads": 1, "log_kimg": 0.008, "checkpoint_kimg": 0.024},
}


def experiment_on(place: Place, *changes: str) -> Experiment:
    return load_experiment(SMALL, [f"training.device={place.device}", *changes])


def trainer_on(device: torch.device, *changes: str) -> Trainer:
    """At step 0, on images of noise."""
    experiment = load_experiment(SMALL, changes)
    interface = Interface(16, 3)
    torch.manual_seed(0)
    return Trainer(compose(experiment, interface), blank_data(interface), experiment.training, device)


def largest_difference(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest difference of any tensor, relative to its largest value; those that are zero are left out."""
    worst = 0.0
    for name, value in expected.items():
        largest = value.double().abs().max().item() if value.numel() else 0.0
        if largest > 0:
            worst = max(worst, (found[name].double().cpu() - value.double().cpu()).abs().max().item() / largest)
    return worst
