"""Whether the data keep up with training: decoding, opening what was decoded before, and batches.

    python -m benchmarks.data [--images N] [--resolution R] [--rounds N] [--clock wall|cpu] [--json]

Emoji at 32 pixels, and N pictures of noise as PNG files at R pixels (500 at 256). Images/s are beside what a training
of a small network takes of them (batch 16, 64 channels at 32 pixels), measured in the same run.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.measure import command, in_turns, parser, positive, seconds, show, summary, table
from benchmarks.networks import experiment
from gancore.composition import experiment_data
from gancore.config import Experiment
from gancore.cost.probe import probe
from gancore.data import ImageData

BATCH = 16


def pictures(folder: Path, count: int, resolution: int) -> None:
    """A folder of RGB noise that PNG can compress a little, as it does photographs."""
    folder.mkdir()
    draws = np.random.default_rng(0)
    for index in range(count):
        pixels = draws.integers(0, 64, (resolution, resolution, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:05}.png")


def batches(data: ImageData) -> None:
    """All images once, in a random order, half of them mirrored, as float32."""
    order, flip = np.random.default_rng(0).permutation(len(data)), torch.arange(BATCH) % 2 == 0
    for start in range(0, len(data) - BATCH + 1, BATCH):
        data.batch(order[start : start + BATCH], flip, "cpu")


def measured(asked: Experiment, rounds: int, clock: str) -> dict[str, Any]:
    """Seconds to decode and to open again; images/s of batches and of training."""
    decode = seconds(lambda: experiment_data(asked), clock)
    data = experiment_data(asked)
    times = in_turns({"open": lambda: experiment_data(asked), "batches": lambda: batches(data)}, rounds, clock)
    served = len(data) // BATCH * BATCH
    rate, demand = summary([served / t for t in times["batches"]]), probe(asked, data.interface).images_per_s
    return {
        "images": len(data),
        "decode_s": decode,
        "decoded_images_per_s": len(data) / decode,
        "open_s": summary(times["open"]),
        "batch_images_per_s": rate,
        "demand_images_per_s": demand,
        "ratio": rate["median"] / demand,
    }


@command
def main() -> None:
    arguments = parser(__doc__ or "", rounds=5)
    arguments.add_argument("--images", type=positive, default=500, help="PNG files (default 500)")
    arguments.add_argument("--resolution", type=positive, default=256, help="of the PNG files (default 256)")
    args = arguments.parse_args()
    if args.images < BATCH:
        arguments.error(f"--images: {args.images} do not fill a batch of {BATCH}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANCORE_CACHE"] = str(Path(folder) / "cache")  # what is decoded, is decoded here
        files = Path(folder) / "pictures"
        own = {"use": "folder", "path": str(files), "resolution": args.resolution}
        asked = experiment(args.resolution, data=own)
        pictures(files, args.images, args.resolution)
        found = {
            "emoji 32": measured(experiment(), args.rounds, args.clock),
            f"folder {args.resolution}": measured(asked, args.rounds, args.clock),
        }
    rows = [("", "images", "decode/s", "open again", "batches/s", "spread", "training/s", "ratio")]
    for name, one in found.items():
        rate = one["batch_images_per_s"]
        rows.append(
            (
                name,
                f"{one['images']}",
                f"{one['decoded_images_per_s']:.0f}",
                f"{one['open_s']['median']:.3f} s",
                f"{rate['median']:.0f}",
                f"{rate['spread']:.0f}",
                f"{one['demand_images_per_s']:.1f}",
                f"{one['ratio']:.0f}",
            )
        )
    show({"clock": args.clock, "data": found}, f"images; {args.clock} time\n{table(rows)}", args.json)


if __name__ == "__main__":
    main()
