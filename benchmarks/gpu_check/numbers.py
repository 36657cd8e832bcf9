"""Checks 1 to 3: the environment, golden numbers, gradients of all phases."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.gpu_check.check import Found, Place, Skipped
from benchmarks.gpu_check.small import trainer_on
from gancore.config.sections.training import TrainingConfig
from gancore.data import ImageData
from gancore.discovery import discover
from gancore.nn import bias_act
from gancore.nn.kernels import resample
from gancore.training.settings import process_settings
from gancore.training.step.draws import SeededDraw

GOLDEN = Path("tests/golden")
SLOPES = {"lrelu": 0.2, "relu": 0.0, "linear": 1.0}
TOLERANCES = {"fp32": 1e-4, "tf32": 5e-3, "bf16": 0.15, "fp16": 1e-2}
"""Of the gradients of a phase, in the norm of all of them."""


def environment(place: Place) -> Found:
    """Versions, TF32 read back after each setting, and every plugin imported."""
    specs = discover().specs()
    for spec in specs:
        spec.load()
    read: dict[str, list[str]] = {}
    for tf32 in (None, True, False):
        device = place.device if place.gpu else torch.device("cuda")
        with process_settings(TrainingConfig(tf32=tf32), device) if place.gpu else _nothing():
            backends: Any = torch.backends
            read[str(tf32)] = [backends.cuda.matmul.fp32_precision, backends.cudnn.conv.fp32_precision]
    about = {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    holds = not place.gpu or (read["True"], read["False"]) == (["tf32"] * 2, ["ieee"] * 2)
    missing = "" if place.gpu else "TF32 settings: there is no GPU"
    return Found(holds, f"{len(specs)} plugins, torch {torch.__version__}", missing, {**about, "tf32": read})


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def golden(place: Place) -> Found:
    """FIR resampling and bias_act beside published numbers."""
    if not GOLDEN.is_dir():
        raise Skipped(f"{GOLDEN} is not here: run it from a checkout")
    worst = {torch.float64: 0.0, torch.float32: 0.0}
    with process_settings(TrainingConfig(tf32=False), place.device):
        for name, run in (("c01_*", _resampled), ("c02_*", _activated)):
            for path in sorted(GOLDEN.glob(f"{name}.json")):
                tensors = {k: t.to(place.device) for k, t in load_file(path.with_suffix(".safetensors")).items()}
                for entry in json.loads(path.read_text())["cases"]:
                    expected = tensors[f"{entry['name']}.out64"]
                    for dtype in worst:
                        got = run(entry, tensors, dtype)
                        error = ((got.double() - expected).abs().max() / expected.abs().max().clamp_min(1e-12)).item()
                        worst[dtype] = max(worst[dtype], error)
    number = f"fp64 {worst[torch.float64]:.1e}, fp32 {worst[torch.float32]:.1e}"
    holds = worst[torch.float64] <= 1e-7 and worst[torch.float32] <= 1e-5
    return Found(holds, number, "" if place.gpu else "on the CPU, for want of a GPU")


def _resampled(entry: Any, tensors: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
    f = None if entry["filter"] is None else tensors[entry["filter"]]
    result: Tensor = getattr(resample, entry["function"])(tensors["x"].to(dtype), f, **entry["kwargs"])
    return result


def _activated(entry: Any, tensors: dict[str, Tensor], dtype: torch.dtype) -> Tensor:
    given = dict(entry["kwargs"])
    act, alpha = given.pop("act"), given.pop("alpha", None)
    gain = given.pop("gain", None)
    slope = alpha if act == "lrelu" and alpha is not None else SLOPES[act]
    bias = None if entry["b"] is None else tensors[entry["b"]].to(dtype)
    gain = gain if gain is not None else 1.0 if act == "linear" else 2**0.5
    return bias_act(tensors[entry["x"]].to(dtype), bias, slope=slope, gain=gain, **given)


def gradients(place: Place) -> Found:
    """Of all four phases of small networks, beside those in float64 on the CPU."""
    precisions = TOLERANCES if place.gpu else {name: TOLERANCES[name] for name in ("fp32", "bf16")}
    errors, holds = {}, True
    for normalization in ("demod", "adain", "pin"):
        chosen = [f"generator.normalization={normalization}"]
        with in_float64():
            exact = _of_all_phases(torch.device("cpu"), chosen, double=True)
        for name, tolerance in precisions.items():
            precision = "fp32" if name == "tf32" else name
            training = TrainingConfig(tf32=name == "tf32") if place.gpu else TrainingConfig()
            with process_settings(training, place.device):
                found = _of_all_phases(place.device, [*chosen, f"training.precision={precision}"])
            errors[f"{normalization} {name}"] = error = max(_distance(found[phase], exact[phase]) for phase in exact)
            holds &= error <= tolerance
    number = ", ".join(f"{name} {error:.1e}" for name, error in errors.items())
    return Found(holds, number, "" if place.gpu else "fp32 and bf16 on the CPU only, for want of a GPU", errors)


def _distance(found: Tensor, exact: Tensor) -> float:
    return ((found - exact).norm() / exact.norm()).item()


def _of_all_phases(device: torch.device, changes: list[str], double: bool = False) -> dict[str, Tensor]:
    """The gradients of each phase, in a row."""
    trainer, found = trainer_on(device, *changes), {}
    for module in trainer.gan.modules().values() if double else ():
        module.double()
    for phase in trainer.phases:
        trainer.gradients(phase)
        given = [p.grad.flatten() for p in trainer.optimizers[phase.network].params if p.grad is not None]
        found[phase.name] = torch.cat(given).detach().double().cpu()
    return found


@contextmanager
def in_float64() -> Iterator[None]:
    """Within this context images and random numbers of training are float64."""
    batch, slice_ = ImageData.batch, SeededDraw._slice
    with (
        patch.object(ImageData, "batch", lambda *args: batch(*args).double()),
        patch.object(SeededDraw, "_slice", lambda *args: slice_(*args).double()),
    ):
        yield
