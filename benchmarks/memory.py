"""Memory and file descriptors of a long run: small networks with ADA, evaluations, samples and checkpoints.

    python -m benchmarks.memory [STEPS] [--objects]

Prints a line for each of 20 parts: steps, resident MB, file descriptors, and with --objects the kinds of Python objects
and the lines of code whose memory has grown since the first part (tracemalloc, which makes everything slower).
"""

import argparse
import gc
import os
import tempfile
import tracemalloc
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from gancore.artifacts.run import RunFolder
from gancore.config import Experiment, load_experiment
from gancore.training import train
from gancore.training.allocation import keep_freed_memory
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


class Watch(Observer):
    """Prints a line for each part of a run."""

    def __init__(self, steps: int, objects: bool) -> None:
        self.every, self.objects = max(steps // PARTS, 1), objects
        self.first: tuple[Counter[str], tracemalloc.Snapshot] | None = None

    def step(self, trainer: Trainer) -> AbstractContextManager[Any]:
        if trainer.counters.step and trainer.counters.step % self.every == 0:
            print(f"{trainer.counters.step:8} steps {resident():8.1f} MB {descriptors():4} descriptors", flush=True)
            if self.objects:
                self._grown()
        return nullcontext()

    def _grown(self) -> None:
        gc.collect()
        now = Counter(type(value).__name__ for value in gc.get_objects()), tracemalloc.take_snapshot()
        self.first = self.first or now
        for kind, count in (now[0] - self.first[0]).most_common(GROWN):
            print(f"             {count:+8} {kind}")
        for line in now[1].compare_to(self.first[1], "lineno")[:GROWN]:
            print(f"             {line.size_diff / 1024:+8.1f} KiB {line.traceback}")


def resident() -> float:
    """MB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", nargs="?", type=int, default=4000)
    parser.add_argument("--objects", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    if args.objects:
        tracemalloc.start()
    with tempfile.TemporaryDirectory() as folder:
        run: RunFolder = train(experiment(args.steps), Path(folder) / "run", Watch(args.steps, args.objects))
        print(
            f"{args.steps:8} steps {resident():8.1f} MB {descriptors():4} descriptors, {run.saved_kimg():g} kimg saved"
        )


if __name__ == "__main__":
    main()
