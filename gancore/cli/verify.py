"""`gancore verify`: whether a run or a grid is whole."""

import json
from pathlib import Path

import click

from gancore.cli.options import trust_local_plugins
from gancore.errors import RunError


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--repair", is_flag=True, help="Set damaged files of a run aside; nothing is deleted.")
@click.option("--json", "as_json", is_flag=True, help="Print a list of findings as JSON.")
@trust_local_plugins
@click.pass_context
def verify(ctx: click.Context, folder: Path, repair: bool, as_json: bool, trust: bool | None) -> None:
    """Read back everything in FOLDER, a run or a grid, and hold the files against each other.

    Checks checksums of checkpoints and models, whether a run can be continued, the weights of the model beside those
    of its checkpoint, the stored samples beside what the model paints now, and the logs.

    Exit code 1 if anything is damaged.
    """
    from gancore.artifacts import RunFolder
    from gancore.grid.folder import GridFolder
    from gancore.grid.verify import verify_grid
    from gancore.training.verify import repair_run, verify_run

    grid, run = GridFolder(folder), RunFolder(folder)
    if not folder.is_dir():
        raise RunError(f"{folder}: there is no such folder")
    if repair and grid.file.is_file():
        raise RunError(f"{folder}: a grid; repair the run of a cell: gancore verify {folder}/cells/NAME --repair")
    looked = verify_grid(grid, bool(trust)) if grid.file.is_file() else verify_run(run, bool(trust))
    findings = []
    for finding in looked:
        findings.append(finding)
        if not as_json:
            click.echo(str(finding))
    if as_json:
        click.echo(json.dumps([finding.to_dict() for finding in findings], indent=2))
    damaged = sum(finding.state == "damaged" for finding in findings)
    if repair:
        for line in repair_run(run, findings):
            click.echo(line, err=True)
    elif not as_json:
        click.echo(f"{len(findings)} findings, {damaged} damaged")
    ctx.exit(1 if damaged else 0)
