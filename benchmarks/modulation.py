"""Scaled activations against a scaled weight, for one image: what `gancore.nn.normalized.one_weight_pays` decides.

    python -m benchmarks.modulation [--device cuda] [--precision fp32|bf16] [--resolutions R ...] [--rounds N] [--json]

Demodulated 3x3 layers of StyleGAN2 with min(32768 / resolution, 512) channels, forward; medians of rounds.
"""

from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import torch
from torch import Tensor

from benchmarks.measure import command, in_turns, parser, show, summary, table
from gancore.config.sections.training import TrainingConfig
from gancore.contracts import Site
from gancore.device import pick_device, wait_for
from gancore.nn import normalized
from gancore.nn.kernels.resampled_conv import same_conv2d
from gancore.training.settings import process_settings
from gancore_plugins.normalization.demod import Demod

RESOLUTIONS = (4, 8, 16, 32, 64, 128, 256)
WAYS = ("scaled", "one weight")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}

Times = dict[str, dict[str, float]]


@torch.no_grad()
def forward(layer: Callable[[], Tensor], as_weight: bool, device: torch.device, precision: str) -> None:
    """One layer, finished."""
    cast = torch.autocast(device.type, DTYPES[precision], enabled=precision != "fp32")
    with cast, patch.object(normalized, "one_weight_pays", lambda x, weight: as_weight):
        layer()
    wait_for(device)


def layer_at(resolution: int, device: torch.device) -> Callable[[], Tensor]:
    """A modulated convolution of one image, with both of its scales applied."""
    c = min(32768 // resolution, 512)
    demod = Demod(Demod.Config(), Site("layer", resolution, 0, 1, c, c, "generator", True))
    x = torch.randn(1, c, resolution, resolution, device=device).to(memory_format=torch.channels_last)
    weight, s = torch.randn(c, c, 3, 3, device=device), torch.randn(1, c, device=device)

    def layer() -> Tensor:
        scaled_x, scaled_weight, out_scale = normalized.scaled_input(x, weight, s, demod)
        y = same_conv2d(scaled_x, scaled_weight)
        return normalized.scaled(y, out_scale(y))

    return layer


def measured(resolution: int, device: torch.device, precision: str, rounds: int, clock: str) -> Times:
    """Milliseconds of both ways, in turns."""
    layer = layer_at(resolution, device)
    ways = {name: partial(forward, layer, name == WAYS[1], device, precision) for name in WAYS}
    in_turns(ways, 3, clock)  # kernels are chosen
    return {name: summary([1000 * s for s in found]) for name, found in in_turns(ways, rounds, clock).items()}


def row(resolution: int, ms: Times) -> tuple[str, ...]:
    cells = [f"{value:.2f}" for way in ms.values() for value in (way["median"], way["spread"])]
    return (str(resolution), *cells, f"{ms[WAYS[0]]['median'] / ms[WAYS[1]]['median']:.2f}")


@command
def main() -> None:
    arguments = parser(__doc__ or "", rounds=21)
    arguments.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="(default auto)")
    arguments.add_argument("--precision", choices=DTYPES, default="fp32", help="of convolutions (default fp32)")
    arguments.add_argument("--resolutions", type=int, nargs="+", choices=RESOLUTIONS, default=RESOLUTIONS, help="(all)")
    args = arguments.parse_args()
    training, device = TrainingConfig(), pick_device(args.device)
    with process_settings(training, device):
        found = {r: measured(r, device, args.precision, args.rounds, args.clock) for r in args.resolutions}
    head = ("resolution", "scaled, ms", "spread", "one weight, ms", "spread", "ratio")
    text = table([head, *(row(resolution, ms) for resolution, ms in found.items())])
    show({"device": str(device), "ms": found}, text, args.json)


if __name__ == "__main__":
    main()
