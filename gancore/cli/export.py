"""`gancore export`: a model of ours as a file or folder for other tools."""

from pathlib import Path
from typing import Any

import click

from gancore.cli.options import format_of, trust_local_plugins


def _options(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, Any]:
    """KEY=VALUE, the value in YAML."""
    from gancore.config.yaml.reader import parse

    found: dict[str, Any] = {}
    for item in value:
        key, equals, text = item.partition("=")
        if not (equals and key):
            raise click.BadParameter(f"{item!r} should be KEY=VALUE, for example count=1000")
        found[key] = parse(text, f"--set {item}").data
    return found


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--format", "name", required=True, metavar="NAME", help="onnx, torch-export, hub, ...; see below.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File or folder; default: by the format.")
@click.option("--force", is_flag=True, help="Replace an existing file, or files in an existing folder.")
@click.option("--licence", metavar="TEXT", help="Terms of the weights, for formats that record them; default: unknown.")
@click.option(
    "--set", "options", multiple=True, callback=_options, metavar="KEY=VALUE", help="An option of the format."
)
@trust_local_plugins
def export(
    model: Path,
    name: str,
    out: Path | None,
    force: bool,
    licence: str | None,
    options: dict[str, Any],
    trust: bool | None,
) -> None:
    """Write MODEL, a run folder or a model file, in another format.

    \b
    safetensors            one model file, which `gancore.load` takes
    onnx                   mapping.onnx and synthesis.onnx (extra: onnx)
    torch-export           one program of torch.export, model.pt2
    png-folder, npz        images: --set count=50000 --set seed=0
    hub                    a folder with model and card (extra: hub)
    stylegan2-ada-pytorch  state dict and arguments for its networks
    rosinality             a checkpoint of its converter

    `gancore plugins show format NAME` lists the options. NAME may be a plugin in a file, FILE:CLASS.
    """
    from gancore.interop.exporting import export as write
    from gancore.interop.exporting import load_for_export, writer

    registry, known = format_of(name)
    spec, format = writer(registry, known or name, options)
    out = out or Path(format.writes)
    write(load_for_export(model, licence, bool(trust)), spec, format, out, force)
    click.echo(out)
