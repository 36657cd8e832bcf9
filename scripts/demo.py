"""The demo behind `make demo-long`: trains experiments/demo-long.yaml, checks what came out, says how to look at it."""

import sys
from pathlib import Path

from gancore.analysis.sanity import distance_to_data, diversity
from gancore.artifacts import load
from gancore.composition import experiment_data
from gancore.config import load_experiment
from gancore.errors import GancoreError
from gancore.training import train
from gancore.training.allocation import keep_freed_memory
from gancore.training.samples import generate, real_images

EXPERIMENT = Path(__file__).parent.parent / "experiments" / "demo-long.yaml"
MIN_DIVERSITY = 0.5
MAX_DISTANCE = 1.5


def main() -> int:
    """The exit code: 0 when the samples look like the data, see `judge`."""
    try:
        return demo()
    except GancoreError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def demo() -> int:
    """Trains, measures 256 samples, and prints what to look at."""
    experiment = load_experiment(EXPERIMENT)
    keep_freed_memory()
    run, data = train(experiment), experiment_data(experiment)
    fakes, reals = generate(load(run.path), 256, seed=1), real_images(data, 1024, seed=1)
    spread, distance = diversity(fakes, reals), distance_to_data(fakes, reals)
    print(f"diversity {spread:.2f} (the data: 1), distance to the data {distance:.2f} (among the data: 1)")
    newest = max(run.samples.glob("fakes-*.png"))
    print(f"samples: xdg-open {newest}\nreal images beside them: xdg-open {run.samples / 'reals.png'}")
    return judge(spread, distance)


def judge(spread: float, distance: float) -> int:
    """1 when the samples are one picture, or noise; this says nothing about how good they are."""
    if spread < MIN_DIVERSITY or distance > MAX_DISTANCE:
        print(f"not what it should be: diversity at least {MIN_DIVERSITY}, distance at most {MAX_DISTANCE}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
