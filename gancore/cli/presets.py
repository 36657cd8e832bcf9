"""`gancore presets`: the experiments of the papers that come with gancore."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from gancore.presets import PREFIX, preset_file, preset_names


@dataclass(frozen=True)
class Preset:
    """The facts of a preset without building it: those in its head, and its `data:` section.

    paper: the first that the head names. images: width and height, channels. data: the data set that it wants.
    generator, discriminator: parameters, without those of labels.
    """

    name: str
    summary: str
    paper: str
    resolution: int
    channels: int
    labels: bool
    data: str
    generator: int
    discriminator: int


@click.group()
def presets() -> None:
    """List and show the presets, experiments of the papers.

    A preset can replace a file: `gancore train preset:dcgan`, or `extends: preset:dcgan` in a file.
    """


@presets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def list_(as_json: bool) -> None:
    """List all presets: paper, size of the images, data set, parameters of G and D."""
    found = [facts(name) for name in preset_names()]
    click.echo(json.dumps([asdict(preset) for preset in found], indent=2) if as_json else "\n".join(_table(found)))


@presets.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
def show(name: str, as_json: bool) -> None:
    """Print the preset NAME, a YAML file whose head says what is faithful to the paper and what differs.

    `gancore validate --no-data preset:NAME` prints it with everything filled in.
    """
    name = name.removeprefix(PREFIX)
    text = preset_file(name).read_text(encoding="utf-8")
    if as_json:
        click.echo(json.dumps({**asdict(facts(name)), "text": text}, indent=2, ensure_ascii=False))
    else:
        click.echo(text, nl=False)


def facts(name: str) -> Preset:
    """The facts of a preset. Raises GancoreError with the nearest names."""
    from gancore.config.sections.data import DataKeys
    from gancore.config.yaml.layers import read_experiment

    first, *_ = text = preset_file(name).read_text(encoding="utf-8").splitlines()
    head = "\n".join(line for line in text if line.startswith("#"))
    (paper,) = re.findall(r"arXiv:\d+\.\d+", head)[:1]
    ((generator, discriminator),) = re.findall(r"# Parameters: G ([\d,]+), D ([\d,]+)", head)
    section = read_experiment(Path(f"{PREFIX}{name}"), (), Path(), requested=True).data["data"]
    keys = DataKeys.model_validate({key: value for key, value in section.items() if key in DataKeys.model_fields})
    assert keys.resolution is not None
    return Preset(
        name=name,
        summary=first.removeprefix("#").strip(),
        paper=paper,
        resolution=keys.resolution,
        channels=keys.channels,
        labels=keys.labels,
        data=_wanted(section),
        generator=int(generator.replace(",", "")),
        discriminator=int(discriminator.replace(",", "")),
    )


def _wanted(section: Mapping[str, Any]) -> str:
    """The data set, "folder lsun-bedroom"."""
    named = [section[key] for key in ("use", "path", "name") if key in section]
    return " ".join([*named, *["with labels"] * section.get("labels", False)])


def _table(found: Sequence[Preset]) -> Iterator[str]:
    rows = [("preset", "paper", "images", "data", "G", "D")]
    for preset in found:
        size = f"{preset.resolution}x{preset.resolution}x{preset.channels}"
        generator, discriminator = (f"{count / 1e6:.1f} M" for count in (preset.generator, preset.discriminator))
        rows.append((preset.name, preset.paper, size, preset.data, generator, discriminator))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [text.ljust(width) for text, width in zip(row[:4], widths[:4], strict=True)]
        yield "  ".join([*cells, *(text.rjust(width) for text, width in zip(row[4:], widths[4:], strict=True))])
