"""Out of memory: find out, by trying, which microbatch would fit."""

import torch

from gancore.training.trainer import Trainer


def is_out_of_memory(error: BaseException) -> bool:
    """CUDA has an error class of its own; the CPU allocator raises RuntimeError with words."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def fitting_microbatch(trainer: Trainer) -> int | None:
    """The largest smaller microbatch with which every phase fits into memory; None if not even 1 does."""
    training, batches = trainer.training, trainer.training.batches(trainer.growth.resolution)
    size = min(training.microbatch or trainer.batch, trainer.batch)
    smaller = (n for n in range(size - 1, 0, -1) if all(training.divides(n, batch) for batch in batches))
    return next((n for n in smaller if _fits(trainer, n)), None)


def _fits(trainer: Trainer, microbatch: int) -> bool:
    try:
        for phase in trainer.phases:
            trainer.gradients(phase, microbatch)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            return False
        raise
    return True
