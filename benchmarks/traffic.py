"""Bytes that a training step moves on the device, without a device: ours beside the textbook path and peers.

    python -m benchmarks.traffic [--resolution 256] [--batch 32] [--normalization demod pin] [--peer KIND=PATH] [--json]

Config F of StyleGAN2 with R1 every 16 steps, path length every 4 and style mixing. Steps run on the device `meta`, and
every operation that is dispatched counts the bytes of its inputs and outputs (ledger.py). Operations of a peer that its
own CUDA kernels compute count as one pass (opaque.py). Rows are kinds of operations, in GB a step; latents and noise
are a row of their own, which the sum leaves out, and so does the ratio to the first peer in the same precision (without
a peer, to the textbook path). Half: ours in fp16 with conv_clamp 256, a peer's in its four finest resolutions.
"""

import argparse
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from benchmarks.iteration import END, INTERVALS, Iteration
from benchmarks.ledger import KINDS, Ledger
from benchmarks.measure import command, positive, show, table
from benchmarks.meta_autocast import autocast_on_meta
from benchmarks.opaque import replace_kernels
from benchmarks.peers import Official, config_f
from benchmarks.textbook import Textbook, TextbookDiscriminator, TextbookGenerator
from benchmarks.train_step import peer
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.cost.flops import blank_data
from gancore.training.step.draws import SeededDraw
from gancore.training.trainer import Trainer
from gancore_plugins.optimizers.adam import FusedAdam

META = torch.device("meta")
OUTSIDE = ("draws",)
"""Kinds that the sum leaves out."""


@dataclass(frozen=True)
class Moved:
    """Bytes a step by phase and kind; kernels and floating point operations a step."""

    phases: Mapping[str, Mapping[str, float]]
    kernels: float
    flops: float

    @property
    def kinds(self) -> Counter[str]:
        return sum((Counter(kinds) for kinds in self.phases.values()), Counter())

    @property
    def total(self) -> float:
        return sum(count for kind, count in self.kinds.items() if kind not in OUTSIDE)


def moved(phases: Mapping[str, Callable[[], object]], intervals: Mapping[str, int]) -> Moved:
    """Runs each phase once, and counts it by its share of the steps."""
    counted: dict[str, dict[str, float]] = {}
    kernels = flops = 0.0
    for name, interval in intervals.items():
        with Ledger() as ledger, drawing(), optimizing(ledger):
            ledger.whose = "optimizer" if name == END else None
            phases[name]()
        counted[name] = {kind: count / interval for kind, count in ledger.bytes.items()}
        kernels, flops = kernels + ledger.kernels / interval, flops + ledger.flops / interval
    return Moved(counted, kernels, flops)


@contextmanager
def drawing() -> Iterator[None]:
    """Draws are one operation on the device each."""

    def draw(self: SeededDraw, purpose: str, shape: Sequence[int] = ()) -> Tensor:
        return torch.randn(self.n, *shape, device=self.device)

    with patch.multiple(SeededDraw, normal=draw, uniform=draw):
        yield


@contextmanager
def optimizing(ledger: Ledger) -> Iterator[None]:
    """Whatever an optimizer does is of the kind `optimizer`."""
    step = FusedAdam.step

    def noted(self: FusedAdam) -> None:
        ledger.whose = "optimizer"
        step(self)
        ledger.whose = None

    with patch.object(FusedAdam, "step", noted):
        yield


def ours(resolution: int, batch: int, normalization: str, precision: str) -> Moved:
    """Config F; fp16 with the clamp that StyleGAN2-ADA has there."""
    changes = [
        f"data={{use: emoji, resolution: {resolution}, fit: resize}}",
        f"training.batch={batch}",
        f"training.precision={precision}",
        f"generator.normalization={normalization}",
        "evaluation=null",
    ]
    if precision == "fp16":
        changes += ["generator.conv_clamp=256", "discriminator.conv_clamp=256"]
    experiment, interface = load_experiment("preset:stylegan2-F", changes), Interface(resolution, 3)
    trainer = Trainer(compose(experiment, interface), blank_data(interface), experiment.training, META)
    phases = {phase.name: partial(trainer.run_phase, phase) for phase in trainer.phases}
    intervals = {phase.name: phase.interval for phase in trainer.phases}
    with autocast_on_meta():
        return moved({**phases, END: trainer.end_step}, {**intervals, END: 1})


def textbook(resolution: int, batch: int, normalization: str) -> Moved:
    gan = compose(
        load_experiment("preset:stylegan2-F", [f"generator.normalization={normalization}", "evaluation=null"]),
        Interface(resolution, 3),
    )
    G, D = TextbookGenerator(gan.generator).to(META), TextbookDiscriminator(gan.discriminator).to(META)
    return iterated(Textbook(G, D, resolution, batch, 512, mixes=True))


def theirs(kind: str, path: str, resolution: int, batch: int, half: bool) -> Moved:
    G, D = config_f(kind, Path(path), resolution, half)
    replace_kernels()
    return iterated(Official(G.to(META), D.to(META), resolution, batch, 512, mixes=True))


def iterated(iteration: Iteration) -> Moved:
    iteration.optimizers = [Updates(network) for network in (iteration.G, iteration.D)]
    return moved(iteration.phases(), INTERVALS)


class Updates(FusedAdam):  # type: ignore[misc]
    """Our Adam for others, so that optimizers make no difference."""

    def __init__(self, network: nn.Module) -> None:
        group = {"params": list(network.parameters()), "lr": 0.002, "betas": (0.0, 0.99)}
        super().__init__([group], eps=1e-8, weight_decay=0)

    def zero_grad(self, set_to_none: bool = True) -> None:
        for p in self.param_groups[0]["params"]:
            p.grad = None


def parsed() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--resolution", type=positive, default=256, help="a power of two (default 256)")
    arguments.add_argument("--batch", type=positive, default=32, help="images a step (default 32)")
    several: Any = {"nargs": "+", "action": "extend"}
    arguments.add_argument("--normalization", **several, help="of ours (default demod pin)")
    arguments.add_argument("--precision", **several, choices=("fp32", "bf16", "fp16"), help="(default fp32 fp16)")
    arguments.add_argument("--peer", **several, type=peer, default=[], metavar="KIND=PATH", help=", ".join(HAVE_F))
    arguments.add_argument("--json", action="store_true", help="for another program")
    args = arguments.parse_args()
    if others := [kind for kind, _ in args.peer if kind not in HAVE_F]:
        arguments.error(f"--peer: {others[0]} has no configuration F; {', '.join(HAVE_F)} have")
    args.normalization, args.precision = args.normalization or ["demod", "pin"], args.precision or ["fp32", "fp16"]
    return args


HAVE_F = ("stylegan2-ada-pytorch",)
HALF = ("bf16", "fp16")


def variants(args: argparse.Namespace) -> dict[str, Moved]:
    """By name; a peer's are counted where its code runs."""
    at = (args.resolution, args.batch)
    found = {f"textbook {n}": textbook(*at, n) for n in args.normalization}
    for normalization, precision in product(args.normalization, args.precision):
        found[f"ours {normalization} {precision}"] = ours(*at, normalization, precision)
    for (kind, path), half in product(args.peer, dict.fromkeys(p in HALF for p in args.precision)):
        found[f"{kind} {'fp16' if half else 'fp32'}"] = theirs(kind, path, *at, half)
    return found


def ratio(name: str, found: Mapping[str, Moved]) -> float:
    """To the first peer of like precision, or without one to the textbook path."""
    half = name.endswith(HALF)
    peers = [one for one in found if one.startswith(HAVE_F) and one.endswith(HALF) == half]
    return found[name].total / found[(peers or list(found))[0]].total


def rows(found: Mapping[str, Moved]) -> list[list[str]]:
    """Kinds downwards, variants to the right."""
    head = [["GB a step", *found]]
    kinds = [[kind, *(f"{one.kinds[kind] / 1e9:.1f}" for one in found.values())] for kind in KINDS]
    inside = [row for row in kinds if row[0] not in OUTSIDE]
    phases = dict.fromkeys(phase for one in found.values() for phase in one.phases)
    by_phase = [[phase, *(_gb(one.phases.get(phase, {})) for one in found.values())] for phase in phases]
    return [
        *head,
        *inside,
        ["sum", *(f"{one.total / 1e9:.1f}" for one in found.values())],
        ["ratio", *(f"{ratio(name, found):.2f}" for name in found)],
        *by_phase,
        *(row for row in kinds if row[0] in OUTSIDE),
        ["operations", *(f"{one.kernels:.0f}" for one in found.values())],
        ["TFLOP", *(f"{one.flops / 1e12:.1f}" for one in found.values())],
    ]


def _gb(kinds: Mapping[str, float]) -> str:
    return f"{sum(count for kind, count in kinds.items() if kind not in OUTSIDE) / 1e9:.1f}"


@command
def main() -> None:
    args = parsed()
    warnings.simplefilter("ignore")
    found = variants(args)
    numbers = {name: {"phases": one.phases, "kernels": one.kernels, "flops": one.flops} for name, one in found.items()}
    show({"resolution": args.resolution, "batch": args.batch, "bytes": numbers}, table(rows(found)), args.json)


if __name__ == "__main__":
    main()
