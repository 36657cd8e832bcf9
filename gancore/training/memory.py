"""Out of memory: recognizes it, and tries which microbatch would fit."""

import torch

from gancore.device import empty_cache
from gancore.training.trainer import Trainer

SHORTAGES = ("out of memory", "can't allocate memory", "not enough memory", "_STATUS_ALLOC_FAILED")
"""Parts of the messages of CUDA, MPS, the CPU's allocators, cuDNN and cuBLAS."""

SUSPICIONS = ("unable to find an engine", "Unable to find a valid cuDNN algorithm")
"""Usually cuDNN has no memory for the workspace of any algorithm; but it may also lack an algorithm."""


def memory_shortage(error: BaseException) -> str | None:
    """The message for an error that means too little memory; None for other errors."""
    message = str(error)
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in message for words in SHORTAGES):
        return "out of memory"
    if any(words in message for words in SUSPICIONS):
        return f"out of memory ({message.splitlines()[0]})"
    return None


def memory_advice(trainer: Trainer) -> str:
    """What to do when a step has run out of memory: a microbatch that was tried, and fits."""
    if trainer.processes.size > 1:  # the others cannot be asked to try: they are in the middle of the step
        return "try a smaller training.microbatch"
    fits = fitting_microbatch(trainer)
    return f"-o training.microbatch={fits} fits" if fits else "not even a microbatch of one image fits"


def fitting_microbatch(trainer: Trainer) -> int | None:
    """A smaller microbatch with which every phase fits into memory, found by halving; None if not even 1 does."""
    training, batches = trainer.training, trainer.training.batches(trainer.growth.resolution)
    size = min(training.microbatch or trainer.batch, trainer.batch)
    while size > 1:
        size = next(n for n in range(size // 2, 0, -1) if all(training.divides(n, batch) for batch in batches))
        if _fits(trainer, size):
            return size
    return None


def _fits(trainer: Trainer, microbatch: int) -> bool:
    empty_cache(trainer.device)  # blocks of the sizes that were tried before
    try:
        for phase in trainer.phases:
            trainer.gradients(phase, microbatch)
    except (RuntimeError, MemoryError) as error:
        if memory_shortage(error) is None:
            raise
        return False
    return True
