"""Faults, injected many times, and counted in docs/reliability.md; `tests/faults` has samples.

make soak MINUTES=90              # all parts
make soak MINUTES=30 PART=kills   # one of them; its table alone is replaced
"""

import argparse
import contextlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from support.disks import disks
from support.faulty import plugins
from support.fuzz import inputs
from support.kills import kills
from support.outcomes import Row
from support.surroundings import surroundings

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


@dataclass(frozen=True)
class Part:
    """A table: the rows that some seconds in a folder lead to, its heads, and its share of the minutes of all."""

    rows: Callable[[Path, float], Iterator[Row]]
    share: float
    heads: str = "| fault | times | outcome |"


PARTS = {
    "inputs": Part(inputs, 0.2, "| input | tries | outcome |"),
    "disks": Part(disks, 0.15),
    "plugins": Part(plugins, 0.15),
    "surroundings": Part(surroundings, 0.15),
    "kills": Part(kills, 0.35),
}


def table(part: Part, folder: Path, seconds: float) -> Iterator[str]:
    """The lines of a table, as they are known; what trainings say is dropped."""
    yield from (part.heads, "|---|---|---|")
    rows, total = part.rows(folder, seconds), 0
    while True:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            row = next(rows, None)
        if row is None:
            yield f"| all | {total:,} | |"
            return
        total += row[1]
        yield f"| {row[0]} | {row[1]:,} | {row[2]} |"


def soaked(name: str, command: str, seconds: float) -> None:
    """Prints a part's table, and writes it to the page, also where it fails or is interrupted."""
    started, lines, end = time.monotonic(), [], "was cut off after"
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            os.environ |= {"GANCORE_CACHE": f"{folder}/cache", "GANCORE_DATA": f"{folder}/data"}
            for line in table(PARTS[name], Path(folder), seconds):
                lines.append(line)
                print(line, flush=True)
        end = "took"
    finally:
        minutes = (time.monotonic() - started) / 60
        write(name, "\n".join([f"This part of `{command}` {end} {minutes:.0f} minutes and printed:", "", *lines]))


def write(name: str, text: str) -> None:
    """Replaces what is between the comments of a part."""
    begin, end = (f"<!-- soak {name}: {at} -->" for at in ("begin", "end"))
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(begin) + ".*" + re.escape(end), re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", page), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", nargs="?", type=float, default=90.0)
    parser.add_argument("part", nargs="?", choices=PARTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    path = os.pathsep.join(filter(None, [os.getcwd(), os.environ.get("PYTHONPATH", "")]))
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    os.fsync = lambda descriptor: None
    command = f"make soak MINUTES={args.minutes:g}" + (f" PART={args.part}" if args.part else "")
    for name in [args.part] if args.part else PARTS:
        print(f"\n{name}\n", flush=True)
        soaked(name, command, args.minutes * 60 * (1 if args.part else PARTS[name].share))


if __name__ == "__main__":
    main()
