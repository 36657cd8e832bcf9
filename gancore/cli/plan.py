"""`gancore plan`: the cost of an experiment or a grid."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gancore.cli.options import overrides, trust_local_plugins
from gancore.messages import bytes_text

if TYPE_CHECKING:
    from gancore.cost.forecast import Forecast


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@overrides
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Cells at a time.")
@click.option("--assume-throughput", metavar="X", help="images/s of every cell, as 61, or operations, as 30TFLOP/s.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for another program.")
@trust_local_plugins
def plan(
    file: Path,
    override: tuple[str, ...],
    workers: int,
    assume_throughput: str | None,
    as_json: bool,
    trust: bool | None,
) -> None:
    """Forecast the cost of FILE (an experiment, or a grid of them): parameters, operations, memory, hours, disk.

    images/s are measured by training each kind of cell for a few steps on noise, or assumed. Starting processes,
    decoding data and writing files are not in the hours.
    """
    from gancore.config import load_experiment

    experiment = load_experiment(file, override, trusted=trust)
    from gancore.cost.forecast import Throughput, forecast
    from gancore.grid.cells import experiments_of
    from gancore.grid.local import LocalExecutor

    assumed = Throughput.parse(assume_throughput) if assume_throughput is not None else None
    found = forecast(experiments_of(experiment), workers, LocalExecutor(workers).threads, assumed)
    click.echo(json.dumps(found.to_dict(), indent=2) if as_json else "\n".join(_lines(found)))


def _lines(forecast: "Forecast") -> Iterator[str]:
    rows = [("cell", "kimg", "G", "D", "GFLOP/image", "memory", "disk", "images/s", "hours")]
    for cell in forecast.cells:
        rows.append(
            (
                cell.name,
                f"{cell.kimg:g}",
                f"{cell.generator:,}",
                f"{cell.discriminator:,}",
                f"{cell.gflops_per_image:.4g}",
                bytes_text(cell.memory),
                bytes_text(cell.disk),
                _number(cell.images_per_s, 1),
                _number(cell.hours, 2),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        cells = (text.rjust(width) for text, width in zip(numbers, widths[1:], strict=True))
        yield "  ".join([name.ljust(widths[0]), *cells])
    count = len(forecast.cells)
    hours = f"{_number(forecast.hours, 2)} hours on {forecast.workers} worker{'s' * (forecast.workers > 1)}"
    disk = f"{bytes_text(forecast.disk)} of checkpoints, models, samples and logs"
    yield f"{count} cell{'s' * (count > 1)}: {hours}, {disk}"
    yield f"images/s: {forecast.basis}"


def _number(value: float | None, digits: int) -> str:
    return "?" if value is None else f"{value:,.{digits}f}"
