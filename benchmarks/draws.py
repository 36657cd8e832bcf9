"""What the random numbers of a step cost the host: `training.draws: host` against `device`.

    python -m benchmarks.draws [--resolutions R ...] [--batch N] [--rounds N] [--json]

Config F of StyleGAN2 with all regularizers. A step on the device `meta` says which numbers are drawn; a phase that is
due every k-th step counts 1/k. Host: torch draws them on one core, to be copied. Device: the host only launches
operations. Their time is that of as many operations on one number each; the bytes that they read and write on the
device stand beside it. Kernel: the one of CUDA; plain: torch's operations (GANCORE_PLAIN_KERNELS=1).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.measure import command, parser, positive, seconds, show, summary, table
from gancore.config import load_experiment
from gancore.data import ImageData
from gancore.data.images import DataIdentity
from gancore.nn.kernels import philox
from gancore.training.initial import new_trainer
from gancore.training.step.draws import DeviceDraw, SeededDraw

RESOLUTIONS = (256, 1024)
WAYS = ("plain", "kernel")


@dataclass(frozen=True)
class Drawn:
    """One request of a step: `batch` samples of a shape, in a phase that is due every `interval` steps."""

    law: str
    batch: int
    shape: tuple[int, ...]
    interval: int

    @property
    def numbers(self) -> int:
        return self.batch * torch.Size(self.shape).numel()

    def by(self, draw: type[SeededDraw], device: str = "cpu", tiny: bool = False) -> Tensor:
        """Draws it, or one number by the same operations."""
        made = draw.whole((0,), 1 if tiny else self.batch, device)
        return getattr(made, self.law)("z", (1,) if tiny else self.shape)


def step_at(resolution: int, batch: int) -> list[Drawn]:
    """All that a step of config F draws."""
    changes = [f"data={{use: emoji, resolution: {resolution}, fit: resize}}", f"training.batch={batch}"]
    experiment = load_experiment("preset:stylegan2-F", [*changes, "evaluation=null"])
    one = np.zeros((1, 3, resolution, resolution), np.uint8)
    identity = DataIdentity("", 1, resolution, 3, 0, "lanczos", "resize", mirror=False, dataset="emoji")
    trainer = new_trainer(experiment, ImageData(one, None, [], identity), torch.device("meta"))
    drawn: list[Drawn] = []
    for phase in trainer.phases:
        with recorded(drawn, phase.interval):
            trainer.gradients(phase)
    return drawn


@contextmanager
def recorded(drawn: list[Drawn], interval: int) -> Iterator[None]:
    """Draws of the block are written down, and have no values."""

    def law(name: str) -> Any:
        def draw(self: SeededDraw, purpose: str, shape: Sequence[int] = ()) -> Tensor:
            drawn.append(Drawn(name, self.n, tuple(shape), interval))
            return torch.empty(self.n, *shape, device=self.device)

        return draw

    with patch.multiple(SeededDraw, normal=law("normal"), uniform=law("uniform")):
        yield


class Traffic(TorchDispatchMode):
    """Operations of a device, and the bytes that they read and write; `weight` counts rarer ones for less."""

    weight = 1.0
    operations = 0.0
    bytes = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.operations += self.weight
            tensors = [t for t in tree_leaves((args, out)) if isinstance(t, Tensor)]
            self.bytes += self.weight * sum(t.numel() * t.element_size() for t in tensors)
        return out


def costs(drawn: Sequence[Drawn], rounds: int, clock: str) -> dict[str, Any]:
    """Numbers, and milliseconds of the host, operations and bytes of the device by way, per step."""
    numbers = sum(one.numbers / one.interval for one in drawn)
    found: dict[str, Any] = {"numbers": numbers, "host_ms": _milliseconds(drawn, SeededDraw, False, rounds, clock)}
    for way in WAYS:
        with on_device(way), Traffic() as traffic:
            for one in drawn:
                traffic.weight = 1 / one.interval
                one.by(DeviceDraw, "meta")
        with on_device(way):
            launch = _milliseconds(drawn, DeviceDraw, True, 5 * rounds, clock)
        found[way] = {"launch_ms": launch, "operations": traffic.operations, "bytes": traffic.bytes}
    return found


@contextmanager
def on_device(way: str) -> Iterator[None]:
    """Numbers by torch's operations, or by one operation of the size of the kernel."""
    if way == "plain":
        yield
        return

    def kernel(pairs: Tensor, samples: Tensor, key: int) -> Tensor:
        return pairs + samples

    with patch.object(philox, "_by_torch", philox._by_kernel), patch.object(philox, "_kernel", lambda law: kernel):
        yield


def _milliseconds(drawn: Sequence[Drawn], draw: type[SeededDraw], tiny: bool, rounds: int, clock: str) -> float:
    """Of all draws of a step; the median of rounds for each kind of draw."""
    kinds = {replace(one, interval=1): 0.0 for one in drawn}
    for kind in kinds:
        kind.by(draw, tiny=tiny)
        kinds[kind] = summary([seconds(partial(kind.by, draw, tiny=tiny), clock) for _ in range(rounds)])["median"]
    return 1000 * sum(kinds[replace(one, interval=1)] / one.interval for one in drawn)


def cells(way: dict[str, float]) -> tuple[str, ...]:
    return f"{way['launch_ms']:.2f}", f"{way['operations']:.0f}", f"{way['bytes'] / 1e9:.1f}"


@command
def main() -> None:
    arguments = parser(__doc__ or "", rounds=5)
    arguments.add_argument("--resolutions", type=int, nargs="+", default=RESOLUTIONS, help="(default 256 1024)")
    arguments.add_argument("--batch", type=positive, default=32, help="images a step (default 32)")
    args = arguments.parse_args()
    torch.set_num_threads(1)
    found = {r: costs(step_at(r, args.batch), args.rounds, args.clock) for r in args.resolutions}
    head = ["resolution", "numbers, M", "host, ms"]
    head += [f"{way}: {what}" for way in WAYS for what in ("launch, ms", "operations", "GB")]
    rows = [
        [str(r), f"{c['numbers'] / 1e6:.1f}", f"{c['host_ms']:.1f}", *(cell for way in WAYS for cell in cells(c[way]))]
        for r, c in found.items()
    ]
    show({"batch": args.batch, "draws": found}, table([head, *rows]), args.json)


if __name__ == "__main__":
    main()
