"""`gancore import`, `gancore inspect` and `gancore diff`: files of other projects, read as data."""

import json
from pathlib import Path

import click

from gancore.cli.options import format_of
from gancore.errors import CheckpointError


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("model.safetensors"), show_default=True
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--format", "name", metavar="NAME", help="The format, or a plugin FILE:CLASS; default: by content.")
def import_(file: Path, out: Path, force: bool, name: str | None) -> None:
    """Convert FILE into a model: the checkpoint of another project, or a folder with config.json.

    The format is recognised by content. Nothing of FILE is executed; contents that no checkpoint needs are refused.
    """
    from gancore.interop import import_checkpoint

    if out.exists() and not force:
        raise CheckpointError(f"{out} exists already; --force replaces it")
    if not out.parent.is_dir():
        raise CheckpointError(f"{out.parent}: no such folder")
    imported = import_checkpoint(file, *format_of(name))
    imported.save(out)
    for reason in imported.snapshot.left:
        click.echo(f"not taken over: {reason}", err=True)
    click.echo(out)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
@click.option("--yaml", "as_yaml", is_flag=True, help="Print only the experiment of its networks.")
def inspect(file: Path, as_json: bool, as_yaml: bool) -> None:
    """Describe FILE: its format, networks, state of training, and the names in its pickles.

    No weights are loaded, and nothing is executed.
    """
    from gancore.interop.inspecting import experiment_of, lines
    from gancore.interop.inspecting import inspect as look

    if as_yaml:
        click.echo(experiment_of(file), nl=False)
        return
    about = look(file)
    click.echo(json.dumps(about, indent=2) if as_json else "\n".join(lines(about)))


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
def diff(first: Path, second: Path) -> None:
    """Print the tensors in which the files FIRST and SECOND differ, `name: how`."""
    from gancore.interop.comparing import diff as compare

    click.echo("".join(f"{difference}\n" for difference in compare(first, second)), nl=False)
