"""What each of the two processes of a run does, in the tests of training in several processes."""

import os
from pathlib import Path
from typing import Any

import torch
from support.killing import child
from support.small import load_experiment
from support.tiny import QUICK, tiny_mapping

from gancore.data import ImageData
from gancore.training.distribution import Processes, joined
from gancore.training.initial import new_trainer, training_data
from gancore.training.step.draws import SeededDraw


def in_float64() -> None:
    """Images, labels and random numbers of training become float64, so that only mistakes differ."""
    for owner, name in ((ImageData, "batch"), (ImageData, "labels_of"), (SeededDraw, "_slice")):
        setattr(owner, name, _doubled(getattr(owner, name)))


def _doubled(method: Any) -> Any:
    def call(*args: Any) -> Any:
        value = method(*args)
        return None if value is None else value.double()

    return call


def leave_gradients(file: Path, cases: dict[str, list[str]]) -> None:
    """Writes the gradients of every phase of the first steps to a file; `cases` are overrides by name."""
    in_float64()
    with joined(torch.device("cpu")) as processes:
        found = {
            f"{case}/{key}": value
            for case, overrides in cases.items()
            for key, value in gradients_and_states(overrides, processes).items()
        }
        if processes.first:
            torch.save(found, file)


def gradients_and_states(overrides: list[str], processes: Processes) -> dict[str, Any]:
    experiment = load_experiment(tiny_mapping(data__resolution=8, generator__mapping={"layers": 1}), overrides)
    trainer = new_trainer(experiment, training_data(experiment), torch.device("cpu"), processes)
    for module in (*trainer.gan.modules().values(), trainer.ema):
        module.double()
    found: dict[str, Any] = {}
    for step in range(2):
        for phase in trainer.phases:
            if phase.is_due(trainer.counters.step):
                found[f"{step}/{phase.name}"] = trainer.gradients(phase)
                names = trainer.optimizers[phase.network].names
                found |= {f"{step}/{phase.name}/{name}": p.grad for p, name in names.items()}
        trainer.step()
    states = {f"state/{name}/{k}": v for name, m in trainer.gan.modules().items() for k, v in m.state_dict().items()}
    return found | states


def train_one(out: Path, fault: int | None) -> None:
    """Trains; the first process meets a fault (see killing.fault)."""
    child(out, fault if os.environ["RANK"] == "0" else None, QUICK | {"training__kimg": 0.032})
