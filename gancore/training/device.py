"""The device of a run, and its description in environment.json."""

import platform
from typing import Any

import torch

from gancore.config.sections.training import TrainingConfig
from gancore.device import own_device
from gancore.errors import GancoreError
from gancore.version import __version__


def training_device(training: TrainingConfig) -> torch.device:
    """The device of `training.device`. Of several processes on one machine, each has the GPU of its number.

    Raises GancoreError if the device, or a setting that needs another one, is unavailable.
    """
    device = own_device(training.device, "training.device")
    if training.precision == "fp16" and device.type != "cuda":
        raise GancoreError(f"training.precision: fp16 needs a cuda device, not {device}; use bf16 or fp32")
    if training.cuda_graphs and device.type != "cuda":
        raise GancoreError(f"training.cuda_graphs: true needs a cuda device, not {device}; leave it out")
    return device


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
