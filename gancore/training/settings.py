"""Process-wide settings of training: made when it begins, undone when it ends.

Commands make those that cannot be undone (gancore.training.allocation). Two on CUDA stay: a share of the GPU's memory,
and cuBLAS's workspace for `training.deterministic`, which it reads once.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from gancore.config.sections.training import TrainingConfig
from gancore.device import forked_rng

GPU_SHARE = "GANCORE_GPU_SHARE"
"""The environment variable with a process's share of its GPU's memory, above 0 and at most 1; unset: all of it."""


@contextmanager
def process_settings(training: TrainingConfig, device: torch.device) -> Iterator[None]:
    """A context with the settings of a run: threads of the CPU, current GPU and its memory, choice of kernels, TF32.

    On CUDA kernels are chosen by measurement, since shapes hardly change; so two runs on a GPU may differ in bits,
    unless `training.deterministic` is set. Afterwards all settings are as before, and so are torch's random generators.
    """
    if device.type == "cuda":
        _share_memory(device)
    threads = torch.get_num_threads()
    flags = _cuda_flags(training) if device.type == "cuda" else []
    before = [getattr(owner, name) for owner, name, _ in flags]
    with ExitStack() as stack:
        stack.enter_context(forked_rng(device))
        if device.type == "cuda":
            stack.enter_context(torch.cuda.device(device))
            if training.deterministic:
                stack.enter_context(_deterministic())
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
    cudnn = torch.backends.cudnn
    flags: list[tuple[Any, str, Any]] = [
        (cudnn, "benchmark", not training.deterministic),
        (cudnn, "deterministic", training.deterministic),
    ]
    if training.tf32 is not None:
        precision = "tf32" if training.tf32 else "ieee"
        owners = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)  # type: ignore[attr-defined]
        flags += [(owner, "fp32_precision", precision) for owner in owners]
    return flags


@contextmanager
def _deterministic() -> Iterator[None]:
    """Kernels that repeat their bits; torch warns once of each operation that has none (docs/gpu.md lists them)."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before cuBLAS starts
    filling: Any = torch.utils.deterministic
    fills = filling.fill_uninitialized_memory
    before = (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled())
    torch.use_deterministic_algorithms(True, warn_only=True)
    filling.fill_uninitialized_memory = False  # nothing here reads it
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        filling.fill_uninitialized_memory = fills


def _share_memory(device: torch.device) -> None:
    """Bounds the memory of this process by the share of a GPU that a grid has given it (`Job.gpu_share`)."""
    if (share := os.environ.get(GPU_SHARE)) is not None:
        torch.cuda.set_per_process_memory_fraction(float(share), device)
