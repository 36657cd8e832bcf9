"""Whether networks can be compiled here, and the message if they cannot."""

import time

import torch
from torch import Tensor

from gancore.config.sections.training import TrainingConfig
from gancore.errors import GancoreError, Interrupted

BACKEND = "inductor"


def check_compiler(training: TrainingConfig, device: torch.device) -> None:
    """Raises GancoreError if compilation is requested and unavailable."""
    if training.compile == "on" and (why := why_not(device)) is not None:
        raise GancoreError(f"training.compile: on is not possible here: {why}; off and auto go on without")


def why_not(device: torch.device) -> str | None:
    """Why nothing can be compiled for a device; None: it can. Tries a function of one line."""
    from torch._inductor.cpp_builder import get_cpp_compiler  # slow to import, and of use here only

    number = time.time()  # a new function, since torch caches compiled ones

    def trial(x: Tensor) -> Tensor:
        return x.sin() + number

    try:
        if device.type == "cpu" and BACKEND == "inductor":
            get_cpp_compiler()
        torch.compile(trial, backend=BACKEND, dynamic=False)(torch.ones(8, device=device))
    except Exception as error:  # any error, of a compiler, the system or torch
        return described(error)
    return None


def is_compile_failure(error: BaseException) -> bool:
    """Whether the compiler failed, and not the compiled code."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def described(error: BaseException) -> str:
    """A failure of the compiler, on one line. Raises Interrupted if that stopped it."""
    inner = getattr(error, "inner_exception", None) or error
    if isinstance(inner, Interrupted):
        raise inner
    if type(inner).__name__ == "InvalidCxxCompiler":
        return "there is no C++ compiler (g++, or what the environment variable CXX names)"
    first = next(iter(str(inner).strip().splitlines()), "")
    return f"compiling failed: {type(inner).__name__}: {first}"
