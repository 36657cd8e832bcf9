"""How long one waits: for a list of plugins, a checked experiment, the training code, the first step, a sample.

    python -m benchmarks.start [--yaml FILE] [--only NAME ...] [--rounds N] [--clock wall|cpu] [--json]

Everything runs in processes of its own that take turns; the numbers are medians in seconds, from the start of the
interpreter to its end. The experiment is a small one on emoji (or your own FILE), trained for a single step.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.measure import child, command, in_turns, parser, show, summary, table
from gancore.config import load_experiment

EXPERIMENT = """\
name: start
data: {use: emoji, resolution: 32}
generator: {use: skip, z_dim: 64, w_dim: 64, mapping: {layers: 2}, channels: {base: 512, max: 32}}
discriminator: residual
regularizers: {r1: {gamma: 1}, path_length: {}}
training: {kimg: 0.008, batch: 8}
"""

FIRST_STEP = """\
import sys, torch
from gancore.config import load_experiment
from gancore.composition import experiment_data
from gancore.training.initial import new_trainer
experiment = load_experiment(sys.argv[1])
new_trainer(experiment, experiment_data(experiment), torch.device("cpu")).step()
"""


def works(file: Path, run: Path) -> dict[str, Callable[[], None]]:
    """What is measured, by name; `run` is the folder of a finished run."""
    gancore = partial(child, "-m", "gancore.cli")
    return {
        "import torch": partial(child, "-c", "import torch"),
        "plugins": partial(gancore, "plugins", "list"),
        "validate": partial(gancore, "validate", str(file)),
        "import": partial(child, "-c", "import gancore.training"),
        "step": partial(child, "-c", FIRST_STEP, str(file)),
        "sample": partial(gancore, "sample", str(run), "--count", "1", "--out", str(run / "sample.png")),
    }


@command
def main() -> None:
    arguments = parser(__doc__ or "", rounds=5)
    arguments.add_argument("--yaml", type=Path, help="an experiment of your own")
    names = list(works(Path(), Path()))
    arguments.add_argument("--only", nargs="+", choices=names, default=names, help="what to measure (default: all)")
    args = arguments.parse_args()
    asked = load_experiment(args.yaml) if args.yaml else None  # its mistakes are told before anything is measured
    if asked is not None and asked.grid is not None and "sample" in args.only:
        arguments.error(f"{args.yaml} is a grid, which cannot be trained for a sample; leave `sample` out of --only")
    with tempfile.TemporaryDirectory() as folder:
        file, run = args.yaml or Path(folder) / "start.yaml", Path(folder) / "run"
        if not args.yaml:
            file.write_text(EXPERIMENT)
        if "sample" in args.only:
            child("-m", "gancore.cli", "train", str(file), "--out", str(run), "-o", "training.kimg=0.001")
        chosen = {name: work for name, work in works(file, run).items() if name in args.only}
        found = {name: summary(times) for name, times in in_turns(chosen, args.rounds, args.clock).items()}
    base = found.get("import torch")
    rows = [("seconds", "median", "spread", "x import torch")]
    for name, one in found.items():
        ratio = f"{one['median'] / base['median']:.2f}" if base else ""
        rows.append((name, f"{one['median']:.2f}", f"{one['spread']:.2f}", ratio))
    show({"clock": args.clock, "seconds": found}, f"{args.clock} time\n{table(rows)}", args.json)


if __name__ == "__main__":
    main()
