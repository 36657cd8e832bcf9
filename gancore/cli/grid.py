"""`gancore grid`: many experiments of one file, run, watched, reported and cleaned up."""

import json
import time
import webbrowser
from pathlib import Path

import click

from gancore.cli import print_result
from gancore.cli.options import data_at, load_at, overrides, trust_local_plugins
from gancore.errors import GancoreError
from gancore.messages import bytes_text, tell

folder_argument = click.argument("folder", type=click.Path(path_type=Path))
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")


@click.group()
def grid() -> None:
    """Run a grid of experiments and report on it."""


@grid.command()
@click.argument("file", type=click.Path(path_type=Path))
@overrides
@data_at
@click.option("--out", type=click.Path(path_type=Path), help="Grid folder; default runs/<name of the experiment>.")
@click.option(
    "--workers", type=click.IntRange(1), help="Cells at a time on this machine; default: one for each GPU, or 1."
)
@click.option("--ray", metavar="ADDRESS|local", help="Run on a Ray cluster; FOLDER is shared by its machines.")
@click.option("--retry-failed", is_flag=True, help="Try cells again that failed.")
@click.option("--stop-after", type=click.FloatRange(0, min_open=True), metavar="MINUTES", help="Save and stop then.")
@trust_local_plugins
def run(
    file: Path,
    override: tuple[str, ...],
    place: Path | None,
    out: Path | None,
    workers: int | None,
    ray: str | None,
    retry_failed: bool,
    stop_after: float | None,
    trust: bool | None,
) -> None:
    """Run the cells of FILE, an experiment with a `grid:` section, or continue them.

    Finished cells are skipped, and all others continue from their last checkpoint; cells that failed need
    --retry-failed. Exit codes: 0 all done, 1 some failed, 2 nothing was started, 3 stopped.
    """
    if ray is not None and workers is not None:
        raise click.UsageError(
            "--workers is for this machine; on a cluster `grid.resources` sets the resources of a cell"
        )
    experiment = load_at(file, override, trust, place)
    from gancore.config.sections.grid import GridConfig
    from gancore.grid.cluster import RayExecutor
    from gancore.grid.local import here
    from gancore.grid.run import Listener, run_grid
    from gancore.grid.ticker import Ticker

    resources = (experiment.grid or GridConfig()).resources
    executor = here(experiment, workers) if ray is None else RayExecutor(ray, resources)
    print_result(run_grid(experiment, out, executor, retry_failed, stop_after, Listener(tell, Ticker().look)).path)


@grid.command()
@folder_argument
@click.option("--watch", is_flag=True, help="Refresh every two seconds, until interrupted.")
@as_json
def status(folder: Path, watch: bool, as_json: bool) -> None:
    """Show the cells of the grid in FOLDER: state, kimg, images/s, time left, last scores."""
    from gancore.grid.folder import GridFolder
    from gancore.grid.status import lines, status_of

    while True:
        found = status_of(GridFolder(folder))
        text = json.dumps(found.to_dict(), indent=2) if as_json else "\n".join(lines(found))
        if watch:
            click.clear()
        click.echo(text)
        if not watch or found.finished:
            return
        time.sleep(2)


@grid.command()
@folder_argument
@click.option("--yes", is_flag=True, help="Delete the listed files.")
@as_json
def clean(folder: Path, yes: bool, as_json: bool) -> None:
    """List files of the grid in FOLDER that its `grid.retention` does not keep, and delete them with --yes.

    Running cells are not touched.
    """
    from gancore.grid.clean import clean_up, superfluous
    from gancore.grid.folder import GridFolder

    found = superfluous(GridFolder(folder))
    total = sum(item.bytes for item in found)
    if as_json:
        click.echo(json.dumps([{"path": str(i.path), "bytes": i.bytes, "why": i.why} for i in found], indent=2))
    else:
        click.echo("".join(f"{i.bytes / 1e6:10.1f} MB  {i.path}  ({i.why})\n" for i in found), nl=False)
    if yes:
        clean_up(GridFolder(folder), found)
    for cell in GridFolder(folder).all_states():
        if cell.state == "damaged":
            click.echo(f"{cell.name}: damaged: {cell.reason}", err=True)
    words = "deleted" if yes else "to delete; --yes deletes them"
    click.echo(f"{len(found)} files and folders, {bytes_text(total)}, {words}", err=True)


@grid.command()
@folder_argument
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write to; default FOLDER/report.")
@click.option("--open", "show", is_flag=True, help="Show report.html in the browser.")
def report(folder: Path, out: Path | None, show: bool) -> None:
    """Report on the grid in FOLDER, at any moment while it runs: report.html, report.md, results.csv, results.json.

    Each file is complete; the page needs no network.
    """
    from gancore.grid.folder import GridFolder
    from gancore.grid.report.write import PAGE, write_report

    try:
        written = write_report(GridFolder(folder), out or folder / "report")
    except OSError as error:
        raise GancoreError(f"{out or folder / 'report'}: cannot be written: {error.strerror}") from error
    click.echo(written)
    if show and not webbrowser.open((written / PAGE).resolve().as_uri()):
        click.echo(f"no browser could be started; the page is {written / PAGE}", err=True)
