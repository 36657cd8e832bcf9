"""Out of memory: which errors mean it, and how a microbatch that fits is looked for."""

from typing import Any

import pytest
import torch
from support.tiny import tiny_trainer

from gancore.training import memory
from gancore.training.memory import fitting_microbatch, memory_shortage
from gancore.training.trainer import Trainer

NO_ENGINE = "GET was unable to find an engine to execute this computation"
NO_ALGORITHM = "Unable to find a valid cuDNN algorithm to run convolution"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_every_library_has_words_of_its_own(error: BaseException) -> None:
    assert memory_shortage(error) == "out of memory"


@pytest.mark.parametrize("message", [NO_ENGINE, NO_ALGORITHM])
def test_a_suspicion_is_shown(message: str) -> None:
    assert memory_shortage(RuntimeError(f"{message}\nwith a second line")) == f"out of memory ({message})"


def test_other_errors_are_not_called_memory() -> None:
    for error in (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), RuntimeError(), ValueError("full")):
        assert memory_shortage(error) is None


def tried(monkeypatch: pytest.MonkeyPatch, limit: int, **changes: Any) -> tuple[int | None, list[str]]:
    """What is found on a device that holds `limit` images, and what was done for it."""
    done: list[str] = []

    def small(self: Trainer, phase: Any, microbatch: int) -> torch.Tensor:
        if done[-1] != str(microbatch):
            done.append(str(microbatch))
        if microbatch > limit:
            raise RuntimeError(NO_ENGINE)
        return torch.zeros(())

    monkeypatch.setattr(Trainer, "gradients", small)
    monkeypatch.setattr(memory, "empty_cache", lambda device: done.append("emptied"))
    return fitting_microbatch(tiny_trainer(**changes)), done


@pytest.mark.parametrize(
    ("batch", "microbatch", "limit", "sizes"),
    [
        (8, None, 2, [4, 2]),
        (8, 4, 7, [2]),  # 4 has just failed
        (24, None, 5, [12, 6, 3]),
        (7, None, 6, [1]),
        (6, None, 0, [3, 1]),
        (1, None, 0, []),
    ],
)
def test_sizes_are_halved_and_caches_emptied(
    monkeypatch: pytest.MonkeyPatch, batch: int, microbatch: int | None, limit: int, sizes: list[int]
) -> None:
    changes = {"training__batch": batch, "training__microbatch": microbatch}
    found, done = tried(monkeypatch, limit, **changes)
    assert found == (sizes[-1] if limit else None)
    assert done == [step for size in sizes for step in ("emptied", str(size))]


def test_a_size_divides_the_batches_of_all_resolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    growth = {"start": 8, "stable_kimg": 0.024, "fade_kimg": 0.024, "batch": {8: 12}}
    changes = {"discriminator": "progressive", "regularizers": None, "training__growth": growth}
    assert tried(monkeypatch, 5, training__batch=8, **changes)[0] == 4
    assert tried(monkeypatch, 3, training__batch=9, **changes)[0] == 3
