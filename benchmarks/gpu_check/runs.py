"""Checks 4 to 6 and 10 to 12: every plugin and preset, resuming, rollback, processes, grids, out of memory."""

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
import yaml

from benchmarks.gpu_check.check import Found, Place
from benchmarks.gpu_check.small import SMALL, experiment_on, largest_difference, trainer_on
from gancore.artifacts.tensors import load_tensors
from gancore.config import load_experiment
from gancore.discovery import discover
from gancore.errors import GancoreError
from gancore.grid.folder import GridFolder
from gancore.training import train
from gancore.training.checkpoint import restore, state_of
from gancore.training.memory import fitting_microbatch
from gancore.training.settings import process_settings
from gancore.training.trainer import Trainer

META = torch.device("meta")
KINDS = {"generator.normalization": "normalization", "loss": "loss", "augmentation": "augmentation"}


def every_part(place: Place) -> Found:
    """Two steps of the small training with each plugin; on a GPU the second may not wait for it."""
    bad, count, device = {}, 0, place.device if place.gpu else META
    for slot, kind in KINDS.items():
        for spec in discover().specs(kind):
            for precision in ("bf16", "fp16") if place.gpu else ("fp32",):
                try:
                    changes = [f"{slot}.use={spec.name}", f"training.precision={precision}"]
                    trainer = trainer_on(device, *changes)
                except GancoreError:
                    continue  # it does not go with these networks
                count += 1
                if why := _second_step(trainer, place):
                    bad[f"{spec.name} {precision}"] = why
    missing = "" if place.gpu else "shapes on the device meta only, for want of a GPU"
    return Found(not bad, f"{count - len(bad)} of {count} train", missing, bad)


def _second_step(trainer: Trainer, place: Place) -> str:
    try:
        trainer.step()
        if place.gpu:
            torch.cuda.set_sync_debug_mode("error")
        trainer.step()
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    finally:
        if place.gpu:
            torch.cuda.set_sync_debug_mode("default")
    return "not finite" if place.gpu and trainer.first_bad_step() is not None else ""


def resume(place: Place) -> Found:
    """Six steps, and three, saved and restored, and three more: the same bits with deterministic kernels."""
    training = experiment_on(place, "training.deterministic=true").training
    with process_settings(training, place.device):
        whole, first = trainer_on(place.device), trainer_on(place.device)
        _walk(whole, 6)
        _walk(first, 3)
        tensors, about = state_of(first)
        second = trainer_on(place.device)
        restore(second, {name: t.detach().cpu() for name, t in tensors.items()}, about)
        devices = {t.device.type for t in state_of(second)[0].values()}
        _walk(second, 3)
    there, here = (state_of(trainer)[0] for trainer in (whole, second))
    unequal = [name for name, t in there.items() if not torch.equal(t, here[name])]
    holds = not unequal and devices == {place.device.type}
    number = f"{len(unequal)} of {len(there)} tensors differ, by {largest_difference(here, there):.1e} at most"
    return Found(holds, number, "" if place.gpu else "on the CPU, for want of a GPU")


def _walk(trainer: Trainer, steps: int) -> None:
    for _ in range(steps):
        trainer.step()


def rollback(place: Place) -> Found:
    """A gradient that is not finite freezes weights; the run goes back to its checkpoint and ends well."""
    trainer = trainer_on(place.device)
    trainer.step()
    before = {name: t.clone() for name, t in trainer.gan.generator.state_dict().items()}
    next(trainer.gan.discriminator.parameters()).data.fill_(math.nan)
    trainer.step()
    names = [name for name, _ in trainer.gan.generator.named_parameters()]
    frozen = all(torch.equal(trainer.gan.generator.state_dict()[name], before[name]) for name in names)
    experiment = experiment_on(place, "training.on_divergence.action=rollback")
    spoiled, gradients = [0], Trainer.gradients

    def spoil(self: Trainer, phase: Any, microbatch: int | None = None) -> Any:
        loss = gradients(self, phase, microbatch)
        if self.counters.step == 4 and self.counters.attempt == 0:
            spoiled[0] += 1
            return loss * math.nan
        return loss

    Trainer.gradients = spoil  # type: ignore[method-assign]
    try:
        run = train(experiment, place.folder / "rollback")
    finally:
        Trainer.gradients = gradients  # type: ignore[method-assign]
    holds = frozen and spoiled[0] > 0 and run.model.exists()
    number = f"weights {'stay' if frozen else 'change'}, the run ends at {run.saved_kimg():.3f} kimg"
    return Found(holds, number, "" if place.gpu else "on the CPU, for want of a GPU")


def processes(place: Place) -> Found:
    """A run of two processes beside one: on the CPU by gloo; on a GPU one process through NCCL."""
    file = _written(place, "processes", "training.device=cpu")
    alone = _command(place, file, "alone")
    both = _command(place, file, "both", "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "gancore")
    error = largest_difference(_weights(both), _weights(alone))
    missing = "gloo on the CPU; NCCL needs a GPU for each process"
    return Found(error <= 1e-4, f"weights differ by {error:.1e}", missing)


def grid(place: Place) -> Found:
    """Two cells and two workers on one GPU, each with half of its memory: the losses of the cells alone."""
    file = _written(place, "grid", f"training.device={place.device.type}", grid={"seeds": [0, 1]})
    _python(place, "-m", "gancore", "grid", "run", str(file), "--workers", "2", "--out", str(place.folder / "cells"))
    cell = _written(place, "cell", f"training.device={place.device.type}", "training.seed=1")
    alone = _weights(_command(place, cell, "cell-alone"))
    error = largest_difference(_weights(GridFolder(place.folder / "cells").run("seed=1").path), alone)
    return Found(error <= 1e-4, f"weights of seed 1 differ by {error:.1e}", "" if place.gpu else "on the CPU")


def shortage(place: Place) -> Found:
    """A batch that does not fit: the microbatch that is advised does."""
    place.needs_gpu()
    trainer = trainer_on(place.device, "training.batch=4096")
    torch.cuda.set_per_process_memory_fraction(0.02, place.device)
    try:
        advised = fitting_microbatch(trainer)
        for phase in trainer.phases if advised else ():
            trainer.gradients(phase, advised)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, place.device)
        torch.cuda.empty_cache()
    return Found(advised is not None, f"a microbatch of {advised} of 4096 fits into 2 % of the memory")


def _written(place: Place, name: str, *changes: str, **sections: Any) -> Path:
    file = place.folder / f"{name}.yaml"
    experiment = load_experiment(SMALL, changes)
    file.write_text(yaml.safe_dump(experiment.to_dict() | {"name": name, **sections}))
    return file


def _command(place: Place, file: Path, name: str, *python: str) -> Path:
    out = place.folder / name
    _python(place, *(python or ("-m", "gancore")), "train", str(file), "--out", str(out))
    return out


def _python(place: Place, *arguments: str) -> None:
    """Raises GancoreError with the end of what it said, if it fails."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise GancoreError(f"python {' '.join(arguments)}: {done.stderr.strip()[-300:]}")


def _weights(run: Path) -> dict[str, torch.Tensor]:
    tensors, _ = load_tensors(run / "model.safetensors")
    return tensors
