"""Seconds of every analysis on a small style generator at 16x16: `python -m benchmarks.analyses`.

The generator is untrained, with a discriminator, checkpoints and real images beside it; counts are the analyses' own.
"""

import statistics
import time
from collections.abc import Sequence

import click
import torch

from gancore.analysis.run import keys_of
from gancore.analysis.subject import ModelSubject
from gancore.config.load import load_analyses
from gancore.discovery import discover
from gancore.testing.model import SmallAnalysisSubject, small_sources


@click.command()
@click.option("--analysis", "names", multiple=True, help="Only these; default: all.")
@click.option("--count", type=click.IntRange(2), help="Samples; default: the analysis's own.")
def main(names: Sequence[str], count: int | None) -> None:
    """Time analyses on a small style generator with a discriminator, checkpoints and real images."""
    torch.set_num_threads(1)
    seconds = {}
    for name in names or discover().names("analysis"):
        (part,) = load_analyses([name])
        analysis = part.plugin(part.cfg)
        samples = count or keys_of(part).count or analysis.count
        subject: ModelSubject = SmallAnalysisSubject(small_sources(), samples, 0, torch.device("cpu"))
        if reasons := list(analysis.misfits(subject)):
            click.echo(f"{name:20} -      {'; '.join(reasons)}")
            continue
        begun = time.perf_counter()
        with torch.no_grad():
            analysis.analyze(subject)
        seconds[name] = time.perf_counter() - begun
        click.echo(f"{name:20} {seconds[name]:6.2f} s, {samples} samples")
    if seconds:
        click.echo(f"{'median':20} {statistics.median(seconds.values()):6.2f} s")


if __name__ == "__main__":
    main()
