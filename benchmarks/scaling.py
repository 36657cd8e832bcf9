"""How the speed of training changes with batch, resolution, channels and threads.

    python -m benchmarks.scaling [--axes batch resolution channels threads] [--values N ...] [--rounds N] [--json]

One table an axis; all other sizes stay (batch 16, 32 pixels, 64 channels, all threads). Images/s are those of whole
steps, lazy phases by their share, on noise; medians of rounds in which all points of an axis take turns.
"""

from typing import Any

import torch

from benchmarks.measure import command, parser, positive, show, summary, table
from benchmarks.networks import experiment
from gancore.config import Experiment
from gancore.contracts import Interface
from gancore.cost.probe import probe

BASE: dict[str, Any] = {"resolution": 32, "batch": 16, "channels": 64}


def points(axis: str) -> list[int]:
    """Values of an axis; threads are all powers of two that the machine has."""
    if axis == "threads":
        most = torch.get_num_threads()
        return [*(2**k for k in range(most.bit_length()) if 2**k < most), most]
    return {"batch": [4, 8, 16, 32], "resolution": [16, 32, 64], "channels": [16, 32, 64, 128]}[axis]


def images_per_s(asked: Experiment) -> float:
    resolution = asked.data.core.resolution
    assert resolution is not None
    return probe(asked, Interface(resolution, 3), rounds=1).images_per_s


@command
def main() -> None:
    arguments = parser(__doc__ or "", rounds=3)
    axes = ("batch", "resolution", "channels", "threads")
    arguments.add_argument("--axes", nargs="+", choices=axes, default=axes)
    arguments.add_argument("--values", nargs="+", type=positive, help="points of the axes, in place of the usual ones")
    args = arguments.parse_args()
    if args.clock == "cpu":
        arguments.error("images/s are of the wall's clock: measure on a machine that does nothing else")
    asked = {axis: {v: experiment(**{**BASE, axis: v}) for v in args.values or points(axis)} for axis in args.axes}
    found, text = {}, []
    for axis, values in asked.items():
        rates: dict[int, list[float]] = {value: [] for value in values}
        for _ in range(args.rounds):
            for value, one in values.items():
                rates[value].append(images_per_s(one))
        found[axis] = {str(value): summary(measured) for value, measured in rates.items()}
        rows = [(axis, "images/s", "spread", "x the first")]
        first = next(iter(found[axis].values()))["median"]
        for name, rate in found[axis].items():
            rows.append((name, f"{rate['median']:.1f}", f"{rate['spread']:.1f}", f"{rate['median'] / first:.2f}"))
        text.append(table(rows))
    show({"base": BASE, "images_per_s": found}, "\n\n".join(text), args.json)


if __name__ == "__main__":
    main()
