"""Two processes as torchrun starts them, and what each does in the tests of training and evaluating together."""

import json
import os
import socket
import sys
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import torch
from support.killing import child, start
from support.small import load_experiment
from support.tiny import QUICK, tiny_mapping

from gancore.cli import main
from gancore.data import ImageData
from gancore.evaluation.extractor import FeatureExtractor
from gancore.training.distribution import Processes, joined
from gancore.training.initial import new_trainer, training_data
from gancore.training.step.draws import SeededDraw


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def processes_of(
    count: int, errors: Path, function: Callable[..., None], *args: Any, cache: Path | None = None
) -> list[ForkServerProcess]:
    """The processes that torchrun would start; what they write to stderr is in the folder `errors`.

    cache: the folder for what is computed once, instead of the test's own.
    """
    errors.mkdir(exist_ok=True)
    shared = {"GANCORE_CACHE": str(cache)} if cache else {}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count)}
    return [
        start(
            function,
            *args,
            environment={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            errors=errors / f"{rank}.txt",
        )
        for rank in range(count)
    ]


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


def evaluate_one(out: Path, arguments: Sequence[str]) -> None:
    """Runs `gancore evaluate`; leaves what it printed, and the sizes of the batches of images that it looked at."""
    rank, seen = os.environ["RANK"], []
    prepare = FeatureExtractor._prepare

    def counting(extractor: FeatureExtractor) -> None:
        prepare(extractor)
        if "extract" not in vars(extractor.feature):
            extract = extractor.feature.extract
            extractor.feature.extract = lambda images, outputs: seen.append(len(images)) or extract(images, outputs)

    FeatureExtractor._prepare = counting
    with (out / f"{rank}.txt").open("w") as sys.stdout:
        code = main(["evaluate", *arguments])
    (out / f"{rank}.json").write_text(json.dumps(seen))
    sys.exit(code)
