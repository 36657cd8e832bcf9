"""Memory and file descriptors of this process over time: a run, an evaluation loop, the parent of a grid.

    python -m benchmarks.memory run 4000 [--objects]    # steps of small networks with ADA, evaluations, checkpoints
    python -m benchmarks.memory evaluations 1000        # of a small model, each with 64 images and two metrics
    python -m benchmarks.memory grid 200                # tiny cells, two at a time, in processes of their own

Prints a line for each of 20 parts: how many, resident MB, file descriptors, and with --objects the kinds of Python
objects and the lines of code whose memory has grown since the first part (tracemalloc, which makes everything slower).
For a grid also the CPU seconds of this process beside the wall seconds of its cells.
"""

import argparse
import gc
import os
import tempfile
import time
import tracemalloc
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from gancore.config import Experiment, load_experiment
from gancore.evaluation import Evaluator, Generated, Reals, label_rows
from gancore.grid.local import LocalExecutor
from gancore.grid.run import Listener, run_grid
from gancore.training import train
from gancore.training.allocation import keep_freed_memory
from gancore.training.initial import new_trainer, training_data
from gancore.training.observer import Observer
from gancore.training.trainer import Trainer

BATCH = 8
PARTS = 20
GROWN = 8
"""Kinds of objects, and lines, that are printed."""


def experiment(steps: int) -> Experiment:
    """Everything that happens from time to time happens every 40 steps or more often."""
    kimg = 40 * BATCH / 1000
    return load_experiment(
        {
            "data": {"use": "emoji", "resolution": 8, "mirror": True, "fit": "resize"},
            "generator": {"use": "mlp", "z_dim": 8, "hidden": [16], "normalization": "batch"},
            "discriminator": {"use": "mlp", "hidden": [16]},
            "regularizers": {"r1": {"gamma": 1}},
            "augmentation": {"use": "ada"},
            "training": {
                "kimg": steps * BATCH / 1000, "batch": BATCH, "device": "cpu", "threads": 1, "log_kimg": kimg / 4,
                "sample_kimg": kimg, "checkpoint_kimg": kimg,
            },
            "evaluation": {
                "every_kimg": 4 * kimg, "reals": 64, "samples": 64, "features": "embedded", "metrics": ["fid", "kid"],
            },
        }
    )  # fmt: skip


@dataclass
class Parts:
    """Prints a line for each of 20 parts of `total`."""

    total: int
    unit: str
    objects: bool = False
    reached: int = 0
    first: tuple[Counter[str], tracemalloc.Snapshot] | None = field(default=None, repr=False)

    def at(self, count: int) -> None:
        part = count * PARTS // self.total
        if part == self.reached:
            return
        self.reached = part
        print(f"{count:8} {self.unit} {resident():8.1f} MB {descriptors():4} descriptors", flush=True)
        if self.objects:
            self._grown()

    def _grown(self) -> None:
        gc.collect()
        now = Counter(type(value).__name__ for value in gc.get_objects()), tracemalloc.take_snapshot()
        self.first = self.first or now
        for kind, count in (now[0] - self.first[0]).most_common(GROWN):
            print(f"             {count:+8} {kind}")
        for line in now[1].compare_to(self.first[1], "lineno")[:GROWN]:
            print(f"             {line.size_diff / 1024:+8.1f} KiB {line.traceback}")


class Watch(Observer):
    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def step(self, trainer: Trainer) -> AbstractContextManager[Any]:
        self.parts.at(trainer.counters.step)
        return nullcontext()


def long_run(folder: Path, parts: Parts) -> None:
    train(experiment(parts.total), folder / "run", Watch(parts))
    parts.at(parts.total)


def evaluations(folder: Path, parts: Parts) -> None:
    """What a run does at every evaluation, with the same evaluator."""
    trainer = new_trainer(asked := experiment(1), data := training_data(asked), torch.device("cpu"))
    assert asked.evaluation is not None
    evaluator = Evaluator(asked.evaluation, Reals(data, asked.evaluation.core.reals), torch.device("cpu"))
    for count in range(parts.total):
        generator = trainer.averaged()
        evaluator.scores(Generated(generator, label_rows(generator, data)))
        parts.at(count + 1)


def grid(folder: Path, parts: Parts) -> None:
    """Cells of four steps, of which most time goes into the start of a process."""
    asked = experiment(4).to_dict() | {"evaluation": None, "grid": {"seeds": list(range(parts.total))}}
    began, ended = time.process_time(), 0
    begun = began

    def say(line: str) -> None:
        nonlocal begun, ended
        if " to run" in line:
            begun = time.process_time()
        if line.startswith("done:"):
            ended += 1
            parts.at(ended)

    done = run_grid(load_experiment(asked), folder / "grid", LocalExecutor(2), listener=Listener(say))
    spent, before = time.process_time() - began, begun - began
    cells = sum(done.state(one.name).seconds for one in done.combinations())
    print(f"{before:.1f} s of CPU here before the first cell, {spent - before:.1f} s after it,", end=" ")
    print(f"{cells:.0f} s of the cells: {spent / cells:.2%}")


def resident() -> float:
    """MB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


KINDS = {"run": (long_run, "steps"), "evaluations": (evaluations, "evaluations"), "grid": (grid, "cells")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=KINDS)
    parser.add_argument("count", type=int)
    parser.add_argument("--objects", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    if args.objects:
        tracemalloc.start()
    measured, unit = KINDS[args.what]
    with tempfile.TemporaryDirectory() as folder:
        measured(Path(folder), Parts(args.count, unit, args.objects))


if __name__ == "__main__":
    main()
