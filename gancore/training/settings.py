"""Process-wide settings of training: made when it begins, undone when it ends.

Commands make those that cannot be undone (gancore.training.allocation).
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from gancore.config.sections.training import TrainingConfig
from gancore.device import forked_rng


@contextmanager
def process_settings(training: TrainingConfig, device: torch.device) -> Iterator[None]:
    """A context with the settings of a run: threads of the CPU, current GPU, choice of kernels, TF32.

    On CUDA kernels are chosen by measurement, since shapes hardly change; so two runs on a GPU may differ in bits.
    Afterwards all settings are as before, and so are torch's random generators.
    """
    threads = torch.get_num_threads()
    flags = _cuda_flags(training) if device.type == "cuda" else []
    before = [getattr(owner, name) for owner, name, _ in flags]
    with forked_rng(device), torch.cuda.device(device) if device.type == "cuda" else nullcontext():
        try:
            for owner, name, value in flags:
                setattr(owner, name, value)
            torch.set_num_threads(training.threads or threads)
            yield
        finally:
            torch.set_num_threads(threads)
            for (owner, name, _), value in zip(flags, before, strict=True):
                setattr(owner, name, value)


def _cuda_flags(training: TrainingConfig) -> list[tuple[Any, str, Any]]:
    """Owner, attribute, and value for a run."""
    flags: list[tuple[Any, str, Any]] = [(torch.backends.cudnn, "benchmark", True)]
    if training.tf32 is not None:
        precision = "tf32" if training.tf32 else "ieee"
        owners = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
        flags += [(owner, "fp32_precision", precision) for owner in owners]
    return flags
