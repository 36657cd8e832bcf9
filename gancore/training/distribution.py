"""The processes of a run: one, or several that torchrun started, each with an equal part of every batch.

All of them draw the numbers of the whole batch and use their part, sum their gradients, and so keep equal weights.
Only the first one writes, logs and evaluates, while the others wait for it.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

from gancore.errors import GancoreError
from gancore.nn import processes

PATIENCE = timedelta(days=7)
"""How long a process waits for the first one, which may be evaluating; torchrun notices a process that ends."""


@dataclass
class Processes:
    """The place of this process among those of the run; by default it is alone."""

    rank: int = 0
    size: int = 1
    group: Any = None
    """For tensors of the device."""
    control: Any = None
    """For messages between hosts, for which no device has to wait."""
    others_wait: bool = False
    """Whether this is the first process, and the others wait for it."""

    @property
    def first(self) -> bool:
        return self.rank == 0

    def part(self, batch: int) -> tuple[int, int]:
        """Start and stop of this process's samples. Raises GancoreError if the batch cannot be shared equally."""
        own, rest = divmod(batch, self.size)
        if rest:
            raise GancoreError(
                f"training.batch: {batch} images cannot be shared equally by {self.size} processes; "
                f"{own * self.size or self.size} can"
            )
        return self.rank * own, (self.rank + 1) * own

    def check(self, batch: int, microbatch: int | None) -> None:
        """Raises GancoreError if a batch cannot be shared equally, or a microbatch does not divide a part of it."""
        first, stop = self.part(batch)
        part = stop - first
        if microbatch is not None and microbatch < part and part % microbatch:
            able = ", ".join(str(n) for n in range(1, part + 1) if part % n == 0)
            raise GancoreError(
                f"training.microbatch: {microbatch} must divide the {part} images that each of {self.size} processes "
                f"has of a batch of {batch}; {able} do"
            )

    def shared(self) -> Any:
        """A context in which layers see the batch of all processes."""
        return processes.shared(self.group)

    @torch.no_grad()
    def mean(self, value: Tensor) -> Tensor:
        """The mean of the processes' values."""
        with self.shared():
            return processes.mean(value)

    @torch.no_grad()
    def add_up(self, params: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Sums gradients over processes, in place, and returns the sum of their losses; all in one transfer."""
        if self.size == 1:
            return loss
        gradients = [p.grad for p in params if p.grad is not None]
        flat = torch.cat([loss.reshape(1).float(), *(g.flatten() for g in gradients)])
        dist.all_reduce(flat, group=self.group)
        total, *summed = flat.split([1, *(g.numel() for g in gradients)])
        torch._foreach_copy_(gradients, [s.view(g.shape) for s, g in zip(summed, gradients, strict=True)])
        return total[0]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all of them get the same answer."""
        if self.size == 1:
            return flag
        answer = torch.tensor(int(flag))
        dist.all_reduce(answer, dist.ReduceOp.MAX, group=self.control)
        return bool(answer)

    def first_says(self, answer: Callable[[], bool]) -> bool:
        """The answer of the first process, for all of them; the others do not call `answer`."""
        return self.any(self.first and answer())

    def wait(self) -> None:
        """Waits until all processes are here."""
        if self.size > 1:
            dist.barrier(group=self.control)

    @contextmanager
    def first_alone(self) -> Iterator[bool]:
        """A context in which only the first process works; all wait at its end. Yields whether this is the first.

        Within another such context it changes nothing.
        """
        if self.others_wait:
            yield True
            return
        self.others_wait = self.first
        try:
            yield self.first
        finally:
            self.others_wait = False
        self.wait()


class OfProcesses(Protocol):
    """What has a part in each process of a run."""

    @property
    def processes(self) -> Processes: ...


Owner = TypeVar("Owner", bound=OfProcesses)
P = ParamSpec("P")


def first_process(work: Callable[Concatenate[Owner, P], None]) -> Callable[Concatenate[Owner, P], None]:
    """Makes a method one for the first process, while the others wait. Such a method may call another."""

    @wraps(work)
    def guarded(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with owner.processes.first_alone() as first:
            if first:
                work(owner, *args, **kwargs)

    return guarded


def started_with() -> tuple[int, int]:
    """Rank of this process and number of all processes, from torchrun; (0, 1) without it."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """A context for the processes that torchrun started together; without torchrun this one is alone."""
    _, size = started_with()
    if size == 1:
        yield Processes()
        return
    if device.type == "cuda":  # before NCCL, which otherwise uses GPU 0 for every process
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", timeout=PATIENCE, device_id=device)
    else:
        dist.init_process_group("gloo", timeout=PATIENCE)
    try:
        control = dist.new_group(backend="gloo", timeout=PATIENCE)
        yield Processes(dist.get_rank(), size, dist.group.WORLD, control)
    finally:
        dist.destroy_process_group()
