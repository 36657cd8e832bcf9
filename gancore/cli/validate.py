"""`gancore validate`: the mistakes of an experiment, or the experiment with all defaults."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gancore.cli.options import overrides, trust_local_plugins
from gancore.errors import ConfigError, DataError, PluginError
from gancore.names import json_text

if TYPE_CHECKING:
    from gancore.config import Experiment


@click.command()
@click.argument("files", nargs=-1, metavar="FILE", type=click.Path(path_type=Path))
@overrides
@click.option("--diff", is_flag=True, help="Compare two experiments: FILE FILE; overrides hold for both.")
@click.option("--data/--no-data", default=True, show_default=True, help="Whether the data must exist.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
@trust_local_plugins
def validate(
    files: tuple[Path, ...], override: tuple[str, ...], diff: bool, data: bool, as_json: bool, trust: bool | None
) -> None:
    """Check FILE (an experiment, or a run folder) and print it with all defaults.

    All mistakes are reported at once, each with file and line; the exit code is 2. Of a grid, all cells are checked.
    With --diff, print the keys in which two experiments differ, `key: first -> second`.
    """
    if len(files) != 1 + diff:
        raise click.UsageError("give one FILE, or two with --diff")
    try:
        experiments = [_load(file, override, data, trust) for file in files]
    except ConfigError as error:
        if not as_json:
            raise
        _print_json({"valid": False, "problems": [vars(problem) for problem in error.problems]})
        raise click.exceptions.Exit(2) from None
    if diff:
        _compare(experiments[0], experiments[1], as_json)
    else:
        _show(experiments[0], as_json)


def _load(file: Path, override: tuple[str, ...], data: bool, trust: bool | None) -> "Experiment":
    from gancore.config import load_experiment

    if file.is_dir():
        file /= "config.yaml"
    experiment = load_experiment(file, override, trusted=trust)
    if experiment.grid is not None:
        from gancore.grid.cells import cells_of

        cells_of(experiment)  # all of its experiments must be right
    if data:
        _check_data(experiment)
    return experiment


def _check_data(experiment: "Experiment") -> None:
    """Checks the data without decoding them. Raises ConfigError with the line that names them."""
    from gancore.composition import compose_dataset
    from gancore.data import interface_of

    try:
        interface_of(compose_dataset(experiment), experiment.data.core)
    except (DataError, PluginError) as error:
        raise experiment.error("data", f"{error}; everything else is right (--no-data shows it)") from error


def _show(experiment: "Experiment", as_json: bool) -> None:
    for note in experiment.dropped:
        click.echo(f"note: {note}", err=True)
    if as_json:
        _print_json({"valid": True, "experiment": experiment.to_dict(), "dropped": experiment.dropped})
    else:
        click.echo(experiment.to_yaml(), nl=False)


def _compare(first: "Experiment", second: "Experiment", as_json: bool) -> None:
    found = first.differences(second)
    if as_json:
        _print_json([difference.to_dict() for difference in found])
    else:
        click.echo("".join(f"{difference}\n" for difference in found), nl=False)


def _print_json(value: Any) -> None:
    click.echo(json_text(value, 2))
