"""`gancore schema`: the language for editors."""

import json
from pathlib import Path

import click


@click.command()
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; default: print it.")
def schema(out: Path | None) -> None:
    """Write the JSON Schema (draft 2020-12) of experiment files, with all installed plugins and their options.

    An editor that knows YAML (yaml-language-server) completes and checks a file whose first line is

        # yaml-language-server: $schema=PATH
    """
    from gancore.artifacts.atomic import write_text
    from gancore.config.schema import experiment_schema
    from gancore.discovery import discover

    text = json.dumps(experiment_schema(discover()), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        write_text(out, text)
        click.echo(out, err=True)
