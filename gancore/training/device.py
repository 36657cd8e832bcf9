"""Which device a run uses, and what of it belongs to the identity of the run."""

import platform
from typing import Any

import torch

from gancore.config.training import TrainingConfig
from gancore.errors import GancoreError
from gancore.version import __version__


def pick_device(training: TrainingConfig) -> torch.device:
    """The device of `training.device`; auto: cuda, mps, cpu, whichever is there first.

    Raises GancoreError when the device, or what shall be used on it, is not to be had.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = training.device
    if name == "auto":
        name = next(kind for kind, there in available.items() if there)
    kind = name.split(":")[0]
    if not available[kind]:
        have = ", ".join(k for k, there in available.items() if there)
        raise GancoreError(f"training.device: {name} is not available here; available: auto, {have}")
    if training.precision == "fp16" and kind != "cuda":
        raise GancoreError(f"training.precision: fp16 needs a cuda device, not {name}; use bf16 or fp32")
    if training.cuda_graphs and kind != "cuda":
        raise GancoreError(f"training.cuda_graphs: true needs a cuda device, not {name}; leave it out")
    return torch.device(name)


def wait_for(device: torch.device) -> None:
    """Until a device has done everything that it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def prepare_device(device: torch.device, training: TrainingConfig) -> None:
    """Settings of torch for fast training on CUDA; elsewhere there are none.

    Kernels are chosen by measurement, since shapes hardly change; so two runs on a GPU may differ in bits.
    """
    if device.type != "cuda":
        return
    torch.backends.cudnn.benchmark = True
    if training.tf32 is not None:
        precision = "tf32" if training.tf32 else "ieee"
        torch.backends.cuda.matmul.fp32_precision = precision
        torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]


def describe_environment(device: torch.device) -> dict[str, Any]:
    """Versions and hardware, for environment.json."""
    return {
        "gancore": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(),
        **(_cuda_settings() if device.type == "cuda" else {}),
    }


def _cuda_settings() -> dict[str, Any]:
    return {
        "cuda": torch.version.cuda,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "matmul_precision": torch.backends.cuda.matmul.fp32_precision,
        "convolution_precision": torch.backends.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
    }
