"""Memory of a training that decodes on the fly: does it depend on the number of images?

    python -m benchmarks.on_the_fly [--use folder zip lmdb] [--images 2000 200000] [--rounds N] [--json]

Noise of 64x64 pixels as PNG files, in a folder, an archive or a database; two small networks take 640 images in batches
of 16. Each training is a process of its own, the first of a source with an empty cache, the others with that of the
first. Peak resident MB (VmHWM, Linux only) and seconds.
"""

import io
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measure import child, command, parser, positive, seconds, show, table

RESOLUTION, BATCH, KIMG = 64, 16, 0.64
TRAINING = """\
import sys
from pathlib import Path
from benchmarks.networks import experiment
from gancore.config import with_changes
from gancore.training import train
use, path, resolution, batch, kimg, out = sys.argv[1:]
data = {"use": use, "path": path, "resolution": int(resolution), "decode": "on_the_fly"}
asked = experiment(int(resolution), int(batch), channels=16, data=data)
train(with_changes(asked, {"training.kimg": float(kimg)}, "benchmark"), Path(out))
status = Path("/proc/self/status").read_text()
Path(out, "peak_kb").write_text(status.partition("VmHWM:")[2].split()[0])
"""


def pictures(count: int) -> Iterator[tuple[str, bytes]]:
    draws = np.random.default_rng(0)
    for index in range(count):
        out = io.BytesIO()
        pixels = draws.integers(0, 64, (RESOLUTION, RESOLUTION, 3), np.uint8)
        Image.fromarray(pixels).save(out, "PNG", compress_level=1)
        yield f"{index:07}.png", out.getvalue()


def folder(path: Path, count: int) -> None:
    path.mkdir()
    for name, content in pictures(count):
        (path / name).write_bytes(content)


def archive(path: Path, count: int) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in pictures(count):
            file.writestr(name, content)


def database(path: Path, count: int) -> None:
    import lmdb

    with lmdb.open(str(path), map_size=count * 20_000 + 2**20) as env, env.begin(write=True) as transaction:
        for name, content in pictures(count):
            transaction.put(name.encode(), content)


MAKERS: Mapping[str, Callable[[Path, int], None]] = {"folder": folder, "zip": archive, "lmdb": database}


def measured(use: str, count: int, rounds: int, clock: str) -> dict[str, dict[str, float]]:
    """Peak MB and seconds of each training, by its name."""
    with tempfile.TemporaryDirectory() as place:
        source, cache = Path(place) / "source", os.path.join(place, "cache")
        MAKERS[use](source, count)
        found = {}
        for number in range(1, rounds + 1):
            out = Path(place) / f"{number}"
            arguments = map(str, (use, source, RESOLUTION, BATCH, KIMG, out))
            taken = seconds(partial(child, "-c", TRAINING, *arguments, GANCORE_CACHE=cache), clock)
            peak = int((out / "peak_kb").read_text()) / 1024
            found[f"{use}, {count}, {number}"] = {"peak_mb": peak, "seconds": taken}
    return found


@command
def main() -> None:
    arguments = parser(__doc__ or "", rounds=2)
    arguments.add_argument("--use", nargs="+", choices=MAKERS, default=["zip", "lmdb"], help="default: zip lmdb")
    arguments.add_argument("--images", nargs="+", type=positive, default=[2000, 200_000], help="default: 2000 200000")
    args = arguments.parse_args()
    found: dict[str, dict[str, float]] = {}
    for use, count in product(args.use, args.images):
        found |= measured(use, count, args.rounds, args.clock)
    rows = [("images, training", "peak MB", "seconds")]
    rows += [(name, f"{one['peak_mb']:.0f}", f"{one['seconds']:.0f}") for name, one in found.items()]
    show({"clock": args.clock, "trainings": found}, table(rows), args.json)


if __name__ == "__main__":
    main()
