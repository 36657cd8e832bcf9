"""FID of a generator's images: where the time goes, and torch-fidelity's own command on the same images.

    python -m benchmarks.evaluate [--images N] [--features inception|embedded] [--rounds N] [--clock wall|cpu] [--json]

N images (5,000) of an untrained generator against as many emoji, or all 1,906, at 32 pixels. Stages are measured apart:
`load` reads the weights, `resize` is part of `features` and measured once more by itself, `reals kept` is a second
evaluation's real side. With Inception, where torch-fidelity and the weights are there, both commands then score the
same two folders of PNG files, from start to end, in turns; neither has kept statistics.
"""

import argparse
import os
import tempfile
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.measure import child, command, in_turns, now, parser, positive, show, summary, table
from benchmarks.networks import experiment
from gancore.composition import compose, experiment_data
from gancore.data import ImageData
from gancore.evaluation import Evaluator, Generated, Reals
from gancore.evaluation.api import evaluation_of
from gancore.evaluation.moments import moments_of
from gancore_plugins.metrics.frechet import frechet_distance

Stages = dict[str, float]


class Stopwatch:
    """Seconds since the last stage, by stage."""

    def __init__(self, clock: str) -> None:
        self.clock, self.stages = clock, Stages()
        self._last = now(clock)

    def ends(self, stage: str) -> None:
        self.stages[stage], self._last = now(self.clock) - self._last, now(self.clock)


def stages(data: ImageData, images: int, features: str, clock: str, cache: Path) -> Stages:
    """Seconds of each stage of one evaluation of `images` images."""
    asked = experiment()
    generator = compose(asked, data.interface).generator.eval()
    evaluation = evaluation_of(None, {"metrics": ["fid"], "features": features}, None)
    device, watch = torch.device("cpu"), Stopwatch(clock)
    evaluator = Evaluator(evaluation, None, device)
    _, _, extractor = evaluator.metrics[0]
    extractor.feature.prepare(device)
    watch.ends("load")
    made = list(Generated(generator).batches(0, 0, images))
    watch.ends("generate")
    for batch in made:
        import_module(type(extractor.feature).__module__).resized(batch)
    watch.ends("resize")
    seen = extractor.extract(made, ("features",), images)["features"]
    watch.ends("features")
    reals = min(images, len(data))
    real = Reals(data, reals, cache).moments(extractor)
    watch.ends("reals")
    Reals(data, reals, cache).moments(extractor)
    watch.ends("reals kept")
    fake = moments_of(seen)
    watch.ends("statistics")
    frechet_distance(fake, real)
    watch.ends("distance")
    return watch.stages


def write(folder: Path, images: Tensor) -> Path:
    """PNG files of images uint8 [N, 3, R, R]."""
    folder.mkdir()
    for index, pixels in enumerate(images.permute(0, 2, 3, 1).numpy()):
        Image.fromarray(np.ascontiguousarray(pixels)).save(folder / f"{index:05}.png")
    return folder


def contest(data: ImageData, images: int, rounds: int, clock: str, folder: Path) -> dict[str, list[float]]:
    """Seconds of the two commands. Raises GancoreError when one fails."""
    generator = compose(experiment(), data.interface).generator.eval()
    fakes = write(folder / "fakes", torch.cat(list(Generated(generator).batches(0, 0, images))))
    reals = write(folder / "reals", torch.from_numpy(data.images[:images]))
    weights, threads = os.environ["GANCORE_INCEPTION_WEIGHTS"], str(torch.get_num_threads())
    theirs = ["-m", "torch_fidelity.fidelity", "--cpu", "--fid", "--no-cache", "--silent", "--feature-extractor"]
    theirs += ["inception-v3-compat", "--feature-extractor-weights-path", weights, "--input1", str(fakes)]
    ours = ["-m", "gancore.cli", "evaluate", str(fakes), "--real", str(reals), "--metrics", "fid", "--device", "cpu"]

    def run_ours() -> None:
        with tempfile.TemporaryDirectory() as empty:
            child(*ours, GANCORE_CACHE=empty, OMP_NUM_THREADS=threads)

    run_theirs = partial(child, *theirs, "--input2", str(reals), OMP_NUM_THREADS=threads)
    return in_turns({"torch-fidelity": run_theirs, "gancore": run_ours}, rounds, clock)


def why_no_contest(args: argparse.Namespace) -> str | None:
    if args.features != "inception":
        return "torch-fidelity has no such features"
    if not find_spec("torch_fidelity"):
        return "torch-fidelity is not installed"
    return None if os.environ.get("GANCORE_INCEPTION_WEIGHTS") else "GANCORE_INCEPTION_WEIGHTS is not set"


def lines(found: Any) -> str:
    rows = [("stage", "seconds", "spread", "images/s")]
    for name, one in found["stages"].items():
        images = found["reals" if name.startswith("reals") else "images"]
        rate = images / one["median"] if one["median"] else float("inf")
        rows.append((name, f"{one['median']:.2f}", f"{one['spread']:.2f}", f"{rate:.1f}"))
    if (commands := found["commands"]) is None:
        return f"{table(rows)}\nno comparison: {found['no_contest']}"
    ratio = commands["torch-fidelity"]["median"] / commands["gancore"]["median"]
    both = [("command", "seconds", "spread")]
    both += [(name, f"{one['median']:.1f}", f"{one['spread']:.1f}") for name, one in commands.items()]
    return f"{table(rows)}\n\n{table(both)}\ngancore is {ratio:.2f} times as fast"


@command
def main() -> None:
    arguments = parser(__doc__ or "", rounds=1)
    arguments.add_argument("--images", type=positive, default=5000, help="of either side (default 5,000)")
    arguments.add_argument("--features", choices=("inception", "embedded"), default="inception")
    args = arguments.parse_args()
    if args.images == 1:
        arguments.error("--images: a covariance needs at least 2")
    asked = experiment()
    data = experiment_data(asked)
    with tempfile.TemporaryDirectory() as folder:
        kept = (Path(folder) / f"statistics-{i}" for i in range(args.rounds))
        runs = [stages(data, args.images, args.features, args.clock, cache) for cache in kept]
        refused = why_no_contest(args)
        commands = None if refused else contest(data, args.images, args.rounds, args.clock, Path(folder))
    found: dict[str, Any] = {
        "images": args.images,
        "reals": min(args.images, len(data)),
        "features": args.features,
        "clock": args.clock,
        "stages": {stage: summary([run[stage] for run in runs]) for stage in runs[0]},
        "commands": commands and {name: summary(times) for name, times in commands.items()},
        "no_contest": refused,
    }
    show(found, f"{args.images} images, {args.features}, {args.clock} time\n{lines(found)}", args.json)


if __name__ == "__main__":
    main()
