"""A check, its result, and how checks are run: none stops the others."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

Verdict = Literal["PASS", "FAIL", "SKIPPED", "INCOMPLETE"]


class Skipped(Exception):
    """This cannot be checked here; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where checks run: a GPU, or without one the CPU and the device `meta`. Peers are paths by kind."""

    device: torch.device
    folder: Path
    peers: Mapping[str, str] = field(default_factory=dict)

    @property
    def gpu(self) -> bool:
        return self.device.type == "cuda"

    def needs_gpu(self) -> None:
        if not self.gpu:
            raise Skipped("it needs a GPU")


@dataclass(frozen=True)
class Found:
    """holds: whether what must hold does. number: what was measured. missing: what was not checked, and why."""

    holds: bool
    number: str
    missing: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """minutes: that it takes on an H100, about. must: what must hold."""

    minutes: float
    title: str
    must: str
    run: Callable[[Place], Found]


@dataclass(frozen=True)
class Result:
    """One check as JSON has it."""

    verdict: Verdict
    title: str
    must: str
    number: str
    reason: str
    seconds: float
    device: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def result_of(check: Check, place: Place) -> Result:
    """Runs a check. Whatever it raises is its result."""
    start = time.perf_counter()
    verdict, number, reason, details = _outcome(check, place)
    name = torch.cuda.get_device_name(place.device) if place.gpu else "no GPU"
    taken = time.perf_counter() - start
    return Result(verdict, check.title, check.must, number, reason, round(taken, 1), name, details)


def _outcome(check: Check, place: Place) -> tuple[Verdict, str, str, Mapping[str, Any]]:
    try:
        found = check.run(place)
    except Skipped as error:
        return "SKIPPED", "", str(error), {}
    except ModuleNotFoundError as error:
        return "SKIPPED", "", f"the package {error.name} is missing", {}
    except Exception as error:  # of torch, CUDA, a peer: the other checks go on
        lines = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
        reason = f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        return "FAIL", "", reason, {"where": lines}
    if not found.holds:
        return "FAIL", found.number, found.missing, found.details
    return ("INCOMPLETE" if found.missing else "PASS"), found.number, found.missing, found.details
