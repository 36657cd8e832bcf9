"""The gradients of the phases that can be compiled: eager, compiled, and what compiling takes (`training.compile`).

    python -m benchmarks.compile [--yaml FILE] [--rounds N] [--clock cpu] [--json]

Both take turns in one process, with equal weights; medians of rounds. Phases that stay eager are not in it.
"""

from pathlib import Path

from benchmarks.measure import command, in_turns, parser, seconds, show, summary, table
from gancore.composition import experiment_data
from gancore.config import load_experiment
from gancore.device import wait_for
from gancore.errors import GancoreError
from gancore.training.compile.compiler import why_not
from gancore.training.compile.networks import is_first_order
from gancore.training.device import training_device
from gancore.training.initial import new_trainer
from gancore.training.trainer import Trainer


def gradients(trainer: Trainer) -> None:
    for phase in trainer.phases:
        if is_first_order(phase, trainer.gan.regularizers):
            trainer.gradients(phase)
    wait_for(trainer.device)


@command
def main() -> None:
    arguments = parser(__doc__ or "", rounds=9)
    arguments.add_argument("--yaml", type=Path, default=Path("experiments/demo-long.yaml"), help="the experiment")
    args = arguments.parse_args()
    experiment = load_experiment(args.yaml)
    device = training_device(experiment.training)
    if (why := why_not(device)) is not None:
        raise GancoreError(why)
    data = experiment_data(experiment)
    eager, compiled = (new_trainer(experiment, data, device) for _ in range(2))
    compiled.compile()
    gradients(eager)
    compilation = seconds(lambda: gradients(compiled), args.clock)
    works = {"eager": lambda: gradients(eager), "compiled": lambda: gradients(compiled)}
    times = in_turns(works, args.rounds, args.clock)
    found = {
        name: summary([1000 * s for s in measured]) | {"least": 1000 * min(measured)}
        for name, measured in times.items()
    }
    rows: list[tuple[str, ...]] = [("", "ms", "spread", "least")]
    rows += [(name, *(f"{ms[key]:.1f}" for key in ("median", "spread", "least"))) for name, ms in found.items()]
    text = f"{table(rows)}\ncompiling took {compilation:.1f} s"
    show({"ms": found, "compilation_s": compilation}, text, args.json)


if __name__ == "__main__":
    main()
