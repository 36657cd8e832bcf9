"""Thirteen checks of training on a GPU, each with a verdict and a number; none stops the others.

    python -m benchmarks.gpu_check [--only 1,5-7] [--peer KIND=PATH] [--json FILE] [--page]

PASS: what must hold does. FAIL: it does not, or something was raised. SKIPPED: it cannot be checked here.
INCOMPLETE: it holds as far as it could be checked, without a GPU on the CPU or on the device `meta`. Results of several
calls come together in one JSON file, the newest of each check; --page prints that file as the table of docs/gpu.md.
It needs torch and gancore's own dependencies; a missing package is named. Exit code 1 if a check fails.
"""

import argparse
import json
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_check import numbers, runs, speed
from benchmarks.gpu_check.check import Check, Place, result_of
from benchmarks.measure import command
from benchmarks.train_step import peer
from gancore.errors import GancoreError

CHECKS: dict[int, Check] = {
    1: Check(0.5, "environment", "plugins load; TF32 as set", numbers.environment),
    2: Check(2, "golden numbers", "fp32 1e-5, fp64 1e-7", numbers.golden),
    3: Check(2, "gradients of all phases", "fp32 1e-4, tf32 5e-3, bf16 0.15, fp16 1e-2", numbers.gradients),
    4: Check(4, "every plugin, two steps", "finite; the second step waits for nothing", runs.every_part),
    5: Check(2, "resume", "equal bits; state on the device", runs.resume),
    6: Check(1, "rollback", "weights stay; the run ends well", runs.rollback),
    7: Check(4, "speed", "the host takes less than half at 256", speed.throughput),
    8: Check(3, "a peer beside", "at least 0.9 of its speed in half", speed.peers),
    9: Check(1, "bandwidth", "FIR at 60 % of 3.35 TB/s", speed.bandwidth),
    10: Check(1.5, "two processes", "weights within 1e-4", runs.processes),
    11: Check(1.5, "a grid, two workers", "weights within 1e-4", runs.grid),
    12: Check(1, "out of memory", "the advised microbatch fits", runs.shortage),
    13: Check(1, "features", "within 1e-3 of the CPU's", speed.features),
}
"""By the number that --only takes."""


def chosen(text: str) -> list[int]:
    """`1,5-7`: 1, 5, 6, 7."""
    try:
        ranges = [[int(n) for n in part.split("-")] for part in text.split(",")]
        found = [number for ends in ranges for number in range(ends[0], ends[-1] + 1)]
        if not found or any(len(ends) > 2 for ends in ranges) or not set(found) <= set(CHECKS):
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: checks are 1 to {len(CHECKS)}, as in 1,5-7") from None
    return found


def merged(path: Path, results: dict[str, Any]) -> dict[str, Any]:
    """The results in a file with newer ones. Raises GancoreError if it holds something else."""
    try:
        before = json.loads(path.read_text()) if path.exists() else {}
        before = {number: one for number, one in before.items() if CHECKS[int(number)] and one["verdict"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GancoreError(f"--json: {path} holds no results of this command: {type(error).__name__}") from error
    both = before | results
    return {number: both[number] for number in sorted(both, key=int)}


def page(results: dict[str, Any]) -> str:
    """A table in Markdown."""
    head = ["| check | verdict | number | must hold | device |", "|---|---|---|---|---|"]
    rows = []
    for number, one in results.items():
        said = "; ".join(filter(None, [one["number"], one["reason"]])).replace("|", "/")
        rows.append(f"| {number} {one['title']} | {one['verdict']} | {said} | {one['must']} | {one['device']} |")
    return "\n".join([*head, *rows])


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=chosen, default=list(CHECKS), metavar="1,5-7", help="some of them (default all)")
    parser.add_argument("--peer", type=peer, action="append", default=[], metavar="KIND=PATH", help="a checkout for 8")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where results are kept, with those of other calls")
    parser.add_argument("--page", action="store_true", help="print the results in FILE, and check nothing")
    args = parser.parse_args()
    if args.page:
        if args.json is None:
            parser.error("--page needs --json FILE")
        print(page(merged(args.json, {})))
        return
    merged(args.json, {}) if args.json else None  # refused before anything is measured
    warnings.simplefilter("ignore")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    minutes = sum(CHECKS[number].minutes for number in args.only)
    print(f"{len(args.only)} checks on {device}, about {minutes:g} minutes on an H100", flush=True)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in args.only:
            own = Path(folder) / str(number)
            own.mkdir(exist_ok=True)
            result = result_of(CHECKS[number], Place(device, own, dict(args.peer)))
            results[str(number)] = result.to_dict()
            said = "; ".join(filter(None, [result.number, result.reason]))
            print(f"{number:>2} {result.verdict:10} {result.title}: {said} ({result.seconds:.0f} s)", flush=True)
            if args.json:
                args.json.write_text(json.dumps(merged(args.json, results), indent=2) + "\n")
    counts = Counter(one["verdict"] for one in results.values())
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    sys.exit(1 if counts["FAIL"] else 0)


if __name__ == "__main__":
    main()
