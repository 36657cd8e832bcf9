"""How long commands take that look at many runs: the list, the status and the report of a made-up grid.

    cd tests && python -m support.load [CELLS]

Prints CPU seconds of each, and the size of the page. Cells have a whole configuration, 200 log lines, ten evaluations
and a grid of samples.
"""

import contextlib
import io
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from support.made_up_grids import made_up

from gancore.artifacts.atomic import write_text
from gancore.cli import main as command
from gancore.config import load_experiment
from gancore.config.sections.grid import GridConfig
from gancore.grid.combinations import combinations_of
from gancore.grid.folder import GridFolder

LINE = '{{"step": {0}, "kimg": {0}, "images_per_s": 50.0, "loss/G": 1.0, "loss/D": 0.5, "loss/r1": 0.1}}\n'


def filled(path: Path, cells: int) -> GridFolder:
    """A grid of that many cells, all done."""
    axes = {
        "generator.use": ["original", "skip", "residual", "progressive", "stack"],
        "discriminator.use": ["original", "skip", "residual", "progressive"],
        "regularizers.r1.gamma": [float(number + 1) for number in range(max(1, cells // 100))],
    }
    grid = {"axes": axes, "seeds": list(range(5)), "enough_kimg": 0}
    experiment = load_experiment({"data": {"use": "emoji", "resolution": 32}, "evaluation": {"metrics": ["fid"]}})
    data = {"resolution": 32, "count": 1906, "sha256": "a" * 64}
    draw = random.Random(0)
    combinations = combinations_of(GridConfig.model_validate(grid))
    about = {
        combination.name: {
            "state": "done", "at": 10, "kimg": 10, "fid": [draw.uniform(5, 50) for _ in range(10)],
            "config": experiment.to_dict(), "data": data, "parameters": {"generator": 10**6, "discriminator": 10**6},
            "environment": {"torch": "2.13", "threads": 1, "plugins": {"loss.hinge": "gancore 1"}, "data": data},
        }
        for combination in combinations
    }  # fmt: skip
    folder = made_up(path, grid, about)
    pixels = np.random.default_rng(0).random((256, 256, 3)) * 60 + np.linspace(0, 190, 256)[:, None, None]
    for combination in combinations:
        run = folder.run(combination.name)
        write_text(run.log, "".join(LINE.format(number) for number in range(200)))
        run.samples.mkdir()
        Image.fromarray(pixels.astype(np.uint8)).save(run.samples / "fakes-000010.000.png", compress_level=1)
    return folder


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    before = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        work()
    return time.process_time() - before


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as path:
        folder = filled(Path(path) / "grid", cells)
        for words in (["runs", "list"], ["grid", "status"], ["grid", "report"]):
            took = seconds(lambda words=words: command([*words, str(folder.path)]))  # type: ignore[misc]
            print(f"gancore {' '.join(words)}: {took:.1f} s of CPU for {cells} cells", flush=True)
        print(f"report.html: {(folder.path / 'report' / 'report.html').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
