"""The demo behind `make demo`: trains experiments/demo.yaml, checks what came out, and says how to look at it.

`python -m scripts.demo smoke` is the same path in a few steps; its samples are still noise and are not judged.
"""

import argparse
import sys
from pathlib import Path

from gancore.analysis.sanity import distance_to_data, diversity
from gancore.artifacts import load
from gancore.config import load_experiment
from gancore.errors import GancoreError
from gancore.training import train
from gancore.training.run import training_data
from gancore.training.samples import generate, real_images

EXPERIMENT = Path(__file__).parent.parent / "experiments" / "demo.yaml"
SIZES = {
    "full": [],
    "smoke": [
        "name=demo-smoke",
        "training.kimg=0.32",
        "training.log_kimg=0.08",
        "training.sample_kimg=0.32",
        "training.checkpoint_kimg=0.16",
    ],
}
MIN_DIVERSITY = 0.5
MAX_DISTANCE = 1.5


def main(size: str) -> int:
    try:
        return demo(size)
    except GancoreError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def demo(size: str) -> int:
    experiment = load_experiment(EXPERIMENT, SIZES[size])
    run, data = train(experiment), training_data(experiment)
    fakes, reals = generate(load(run.path), 256, seed=1), real_images(data, 1024, seed=1)
    spread, distance = diversity(fakes, reals), distance_to_data(fakes, reals)
    print(f"diversity {spread:.2f} (the data: 1), distance to the data {distance:.2f} (among the data: 1)")
    newest = max(run.samples.glob("fakes-*.png"))
    print(f"samples: xdg-open {newest}\nreal images beside them: xdg-open {run.samples / 'reals.png'}")
    return 0 if size == "smoke" else judge(spread, distance)


def judge(spread: float, distance: float) -> int:
    """1 when the samples are one picture, or noise; this says nothing about how good they are."""
    if spread < MIN_DIVERSITY or distance > MAX_DISTANCE:
        print(f"not what it should be: diversity at least {MIN_DIVERSITY}, distance at most {MAX_DISTANCE}")
        return 1
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", nargs="?", choices=SIZES, default="full")
    sys.exit(main(parser.parse_args().size))
