"""The choice of the device, for training, evaluation, sampling and forecasts."""

import os
from contextlib import AbstractContextManager

import torch

from gancore.errors import GancoreError


def pick_device(asked: str | torch.device | None, setting: str = "device") -> torch.device:
    """The requested device; "auto" or None: cuda, mps or cpu, the first that is available.

    setting: the name of the request in the error.
    Raises GancoreError if the device is unavailable, or a GPU has a number that is too high.
    """
    counts = device_counts()
    if asked is None or asked == "auto":
        return torch.device(next((kind for kind, count in counts.items() if count), "cpu"))
    try:
        device = torch.device(asked)
        if device.type not in counts:
            torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise GancoreError(f"{setting}: {asked}: {reason}; available: {_available(counts)}") from error
    if (device.index or 0) >= counts.get(device.type, 1 + (device.index or 0)):
        raise GancoreError(f"{setting}: {asked} is not available here; available: {_available(counts)}")
    return device


def own_device(asked: str | torch.device | None, setting: str = "device") -> torch.device:
    """The same; of several processes on one machine, each has the GPU of its number."""
    device = pick_device(asked, setting)
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        rank = os.environ["LOCAL_RANK"]
        device = pick_device(f"cuda:{rank}", f"{setting} of the process with LOCAL_RANK {rank}")
    return device


def device_counts() -> dict[str, int]:
    """The number of devices of each kind that `auto` prefers to the CPU."""
    return {
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }


def _available(counts: dict[str, int]) -> str:
    """auto, cuda:0 to cuda:3, cpu"""
    cuda = {0: [], 1: ["cuda:0"]}.get(counts["cuda"], [f"cuda:0 to cuda:{counts['cuda'] - 1}"])
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")  # workers of a grid see one GPU each, as cuda:0
    why = "" if visible is None else f" (CUDA_VISIBLE_DEVICES is {visible!r})"
    return ", ".join(["auto", *cuda, *["mps"] * counts["mps"], "cpu"]) + why


def wait_for(device: torch.device) -> None:
    """Waits until a device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def empty_cache(device: torch.device) -> None:
    """Returns memory that torch keeps for later, but that no tensor uses, to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def forked_rng(device: torch.device) -> AbstractContextManager[None]:
    """A context that restores torch's generators of the CPU and of this device; other GPUs do not change."""
    if device.type in ("cuda", "mps"):
        return torch.random.fork_rng([device], device_type=device.type)
    return torch.random.fork_rng(devices=[])
