"""`gancore train`: an experiment into a run folder."""

from pathlib import Path

import click

from gancore.cli import print_result
from gancore.cli.options import data_at, load_at, overrides, trust_local_plugins
from gancore.discovery import discover
from gancore.messages import tell


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path))
@overrides
@data_at
@click.option("--out", type=click.Path(path_type=Path), help="Run folder; default runs/<name of the experiment>.")
@click.option("--profile", is_flag=True, help="Time some steps by phase and module: profile.txt and .json in the run.")
@trust_local_plugins
def train(
    experiment: Path, override: tuple[str, ...], place: Path | None, out: Path | None, profile: bool, trust: bool | None
) -> None:
    """Train EXPERIMENT (a YAML file, or the folder of a run to continue).

    A folder with the same experiment is continued from its newest checkpoint; the results are the same, bit for bit,
    as if it had never stopped.
    """
    if experiment.is_dir():
        out, experiment = out or experiment, experiment / "config.yaml"
    asked = load_at(experiment, override, trust, place)
    for note in asked.dropped:
        tell(note)
    from gancore.training.distribution import started_with

    if started_with()[0] == 0:  # of several processes, one speaks
        for provider in discover().broken:
            tell(f"warning: {provider}")

    from gancore.training import train as run_training
    from gancore.training.allocation import keep_freed_memory

    observer = None
    if profile:
        from gancore.training.profile import Profile

        observer = Profile()
    keep_freed_memory()
    run = run_training(asked, out, observer)
    if started_with()[0] == 0:
        if asked.analyses:
            from gancore.analysis.of_run import analyze_run

            analyze_run(asked, run.path)
        tell(f"{run}: done; samples in {run.samples}, model in {run.model}")
        print_result(run.path)
