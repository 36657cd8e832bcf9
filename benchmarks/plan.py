"""The forecast of `gancore plan` beside what training took.

    python -m benchmarks.plan [--seconds N] [--threads N] [--json]

Three networks on emoji at 16, 32 and 64 pixels, each at least four times as expensive as the one before. Each is
forecast, then trained for about N seconds by the forecast; real are the seconds of `gancore.train`, with its samples,
checkpoint and logs. Aim: within 25 %, on a machine that does nothing else.
"""

import argparse
import contextlib
import io
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from gancore.config import Experiment, load_experiment
from gancore.cost.forecast import ExperimentForecast, forecast
from gancore.grid.local import available_cores
from gancore.training import train

SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "small": {"data": {"resolution": 16, "fit": "resize"}, "channels": {"base": 256, "max": 16}},
    "medium": {"data": {"resolution": 32}, "channels": {"base": 1024, "max": 64}},
    "large": {"data": {"resolution": 64, "fit": "resize"}, "channels": {"base": 4096, "max": 128}},
}


def experiment(name: str, kimg: float, threads: int) -> Experiment:
    size = SIZES[name]
    mapping = {
        "name": name,
        "data": {"use": "emoji", **size["data"]},
        "generator": {"z_dim": 128, "w_dim": 128, "mapping": {"layers": 2}, "channels": size["channels"]},
        "regularizers": {"r1": {"gamma": 1}, "path_length": {}, "style_mixing": {}},
        "training": {"kimg": kimg, "batch": 16, "threads": threads, "sample_kimg": 1e6, "checkpoint_kimg": 1e6},
    }
    return load_experiment(mapping)


def predicted(found: Experiment) -> ExperimentForecast:
    (cell,) = forecast({found.name: found}).cells
    return cell


def trained_seconds(found: Experiment, folder: Path) -> float:
    start = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        train(found, folder / found.name)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40, help="length of each training by the forecast")
    parser.add_argument("--threads", type=int, default=available_cores(), help="CPU threads")
    parser.add_argument("--json", action="store_true", help="for another program")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in SIZES:
            rate = predicted(experiment(name, 1, args.threads)).images_per_s or 0.0
            kimg = max(round(rate * args.seconds / 1000 / 0.064), 2) * 0.064
            asked = experiment(name, kimg, args.threads)
            cell = predicted(asked)
            forecast_s, real_s = (cell.hours or 0) * 3600, trained_seconds(asked, Path(folder))
            rows.append(
                {
                    "cell": name,
                    "gflops_per_image": cell.gflops_per_image,
                    "kimg": kimg,
                    "forecast_s": forecast_s,
                    "real_s": real_s,
                    "error": forecast_s / real_s - 1,
                }
            )
    if args.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{args.threads} threads")
    print(f"{'cell':8} {'GFLOP/image':>12} {'kimg':>8} {'forecast':>10} {'real':>10} {'error':>7}")
    for row in rows:
        print(f"{row['cell']:8} {row['gflops_per_image']:12.4f} {row['kimg']:8.3f} {row['forecast_s']:9.1f}s "
              f"{row['real_s']:9.1f}s {row['error']:+7.0%}")  # fmt: skip


if __name__ == "__main__":
    main()
