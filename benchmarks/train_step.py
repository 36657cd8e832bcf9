"""One training step, phase by phase: ours beside a textbook path, and beside checkouts of other implementations.

    python -m benchmarks.train_step [--resolution 32] [--precision fp32 bf16] [--normalization demod adain pin]
                                    [--yaml FILE] [--peer KIND=PATH] [--rounds N] [--clock wall|cpu] [--json]

The configuration is that of configuration.py, or an experiment's own (of a grid, the experiment without its axes).
Every variant is a process of its own, on the CPU, and they take turns, so that a change of the machine's speed meets
all. Printed are medians in milliseconds, half the distance of the quartiles, and the speed relative to the textbook
path with the same normalization; floating point operations; the share of the machine's limit, measured in the same run;
peak memory.
total = main phases + EMA + each lazy phase by its share of the steps.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.configuration import Subject
from benchmarks.contest import Worker, take_turns
from benchmarks.limit import limit_flops
from benchmarks.measure import command, positive
from benchmarks.ours import our_flops
from benchmarks.peers import FILES, PEERS
from benchmarks.report import summary, table
from gancore.config import load_experiment

SMALLEST = 8


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yaml", help="an experiment to measure in place of the configuration of the tables")
    parser.add_argument("--resolution", type=positive, help=f"a power of two from {SMALLEST} on (default 32)")
    several: Any = {"nargs": "+", "action": "extend"}
    parser.add_argument("--precision", **several, choices=("fp32", "bf16"), help="of ours (default fp32)")
    parser.add_argument("--normalization", **several, help="of the generator (default demod)")
    parser.add_argument("--peer", **several, type=peer, default=[], metavar="KIND=PATH", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=positive, default=9, help="measurements of each phase (default 9)")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: one thread on a busy machine")
    parser.add_argument("--json", action="store_true", help="for another program")
    args = parser.parse_args()
    if args.yaml is not None and (args.peer or args.normalization or args.resolution):
        parser.error(
            "--peer, --normalization and --resolution go with the configuration of the tables, not with --yaml"
        )
    if len({kind for kind, _ in args.peer}) < len(args.peer):
        parser.error("--peer: one checkout of each kind")
    args.resolution = args.resolution or 32
    if args.resolution < SMALLEST:
        parser.error(f"--resolution: {args.resolution} is below {SMALLEST}, the least of the textbook path")
    args.precision = list(dict.fromkeys(args.precision or ["fp32"]))
    args.normalization = list(dict.fromkeys(args.normalization or ["demod"]))
    return args


def peer(text: str) -> tuple[str, str]:
    kind, _, path = text.partition("=")
    if kind not in PEERS or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND=PATH with a KIND of {', '.join(PEERS)}")
    if not (Path(path) / FILES[kind]).is_file():
        raise argparse.ArgumentTypeError(f"{path} is no checkout of {kind}: it has no {FILES[kind]}")
    return kind, path


def variants(args: argparse.Namespace) -> list[tuple[str, str, Subject, str | None]]:
    """Name, kind, subject, and path of each; the first is the reference."""
    subjects = [Subject(args.yaml, args.resolution, p, n) for n, p in product(args.normalization, args.precision)]
    if args.yaml is not None:
        resolution = load_experiment(args.yaml).data.core.resolution or args.resolution
        return [(f"ours {p}", "ours", Subject(args.yaml, resolution, p), None) for p in args.precision]
    references = [Subject(None, args.resolution, "fp32", n) for n in args.normalization]
    return [
        *((f"textbook {s.normalization}", "textbook", s, None) for s in references),
        *((f"ours {s.normalization} {s.precision}", "ours", s, None) for s in subjects),
        *((kind, kind, references[0], path) for kind, path in args.peer),
    ]


@command
def main() -> None:
    args = parsed()
    chosen = variants(args)
    for _, _, its, _ in chosen:
        its.experiment()  # what is wrong with it is told before anything is measured
    subject = chosen[0][2]
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(*variant)) for variant in chosen]
        limit = stack.enter_context(Worker("limit", "limit", subject))
        take_turns([*workers, limit], args.rounds, args.clock)
    for result in (worker.result for worker in workers):
        if result.error is not None:
            print(f"{result.name} cannot be measured: {result.error}", file=sys.stderr)
    results = [worker.result for worker in workers if worker.result.error is None]
    if not results:
        sys.exit(2)
    best = max(f / (min(limit.result.times[name]) / 1000) for name, f in limit_flops(subject.resolution).items())
    flops = our_flops(subject)
    references = {name: f"textbook {its.normalization}" for name, _, its, _ in chosen}
    rows = summary(results, references, flops, best)
    if args.json:
        print(json.dumps({"limit": best, "threads": results[0].threads, "flops": flops, "variants": rows}))
        return
    print(f"{results[0].threads} threads, {args.clock} time, medians of {args.rounds}")
    print(table(rows, flops, best))


if __name__ == "__main__":
    main()
