"""Files of all formats with something broken in them: read, or refused in one line; nothing executed, little memory.

    PYTHONPATH=tests python tests/interop/test_mutated_files.py 20000

prints the table of docs/checkpoints.md.
"""

import random
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from support.golden_checkpoints import FOLDER, checkpoints

from gancore.discovery import discover
from gancore.errors import CheckpointError
from gancore.interop import import_checkpoint
from gancore.interop.comparing import diff

SOURCES = sorted({checkpoint.path for checkpoint in checkpoints() if checkpoint.path.is_file()})
UNSAFE = sorted(path for path in FOLDER.glob("c11_*") if path.suffix != ".json")
ALL, MEMORY = 20_000, 1 << 30  # mutated files in the slow test; bytes that all of them may need together
REGISTRY = discover()

Mutation = Callable[[random.Random, bytearray], None]


def flip(draw: random.Random, content: bytearray) -> None:
    for _ in range(draw.choice([1, 1, 2, 8, 64])):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def flip_near_the_start(draw: random.Random, content: bytearray) -> None:
    for _ in range(draw.choice([1, 2, 4])):
        content[draw.randrange(min(len(content), 2000))] = draw.randrange(256)


def cut(draw: random.Random, content: bytearray) -> None:
    del content[draw.randrange(len(content)) :]


def leave_out(draw: random.Random, content: bytearray) -> None:
    begin = draw.randrange(len(content))
    del content[begin : begin + draw.choice([1, 2, 16, 1000])]


def repeat(draw: random.Random, content: bytearray) -> None:
    begin, at = draw.randrange(len(content)), draw.randrange(len(content))
    content[at:at] = content[begin : begin + draw.choice([1, 8, 500])]


def write_operations(draw: random.Random, content: bytearray) -> None:
    """Operations of the pickle language where there were others."""
    at = draw.randrange(min(len(content), 20_000))
    for i in range(draw.choice([1, 3, 10])):
        if at + i < len(content):
            content[at + i] = draw.choice(
                b"().0123FGIJKLMNPQRSTUVX]abcdeghijloqrstu}\x80\x81\x82\x85\x88\x8a\x8e\x93\x94\x95"
            )


def write_sizes(draw: random.Random, content: bytearray) -> None:
    """The largest numbers where there may be a size."""
    at = draw.randrange(len(content))
    size = draw.choice([4, 8])
    content[at : at + size] = draw.choice([b"\xff", b"\x7f", b"\x00"]) * size


def rename(draw: random.Random, content: bytearray) -> None:
    """Another function for one that is allowed."""
    old, new = draw.choice(
        [
            (b"collections", b"subprocess\n"),
            (b"OrderedDict", b"check_output"[:11]),
            (b"_rebuild_tensor_v2", b"_rebuild_sparse_tens"[:18]),
            (b"torch._utils", b"os\nsystem\n(X"),
        ]
    )
    if (at := content.find(old)) >= 0:
        content[at : at + len(old)] = new


MUTATIONS: list[Mutation] = [
    flip, flip_near_the_start, cut, leave_out, repeat, write_operations, write_sizes, rename
]  # fmt: skip


def mutated(number: int) -> tuple[Path, str, bytes]:
    """A source, what was done to it, and what came of it: a function of the number."""
    draw = random.Random(number)
    sources = UNSAFE if draw.random() < 0.1 else SOURCES
    source, mutation = draw.choice(sources), draw.choice(MUTATIONS)
    content = bytearray(source.read_bytes())
    mutation(draw, content)
    return source, mutation.__name__, bytes(content)


def outcome(content: bytes, path: Path) -> str:
    """`read` or `refused`; anything else is a failure of this test."""
    path.write_bytes(content)
    found = "read"
    try:
        imported = import_checkpoint(path, REGISTRY)
        imported.tensors()
    except CheckpointError as error:
        message = str(error)
        assert "\n" not in message, message
        assert str(path) in message, message
        assert len(message) < 1000, message
        found = "refused"
    return found


DANGEROUS_EVENTS = (
    "os.system",
    "subprocess.Popen",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "pickle.find_class",
)
watched: list[str] | None = None


def watch(event: str, arguments: object) -> None:
    """An audit hook, which stays until the process ends; it looks while `watched` is a list."""
    if watched is not None and event in DANGEROUS_EVENTS:
        watched.append(event)


class Table:
    """What became of mutated files, by mutation: how many were read and refused, and the longest time that one took."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.slowest: dict[str, float] = defaultdict(float)

    def add(self, mutation: str, outcome: str, seconds: float) -> None:
        self.counts[mutation][outcome] += 1
        self.slowest[mutation] = max(self.slowest[mutation], seconds)

    def total(self, outcome: str) -> int:
        return sum(counts[outcome] for counts in self.counts.values())

    def __str__(self) -> str:
        lines = ["| what was done | files | refused in one line | read | slowest |", "|---|---|---|---|---|"]
        for name, counts in sorted(self.counts.items()):
            words, seconds = name.replace("_", " "), self.slowest[name]
            lines.append(f"| {words} | {counts.total()} | {counts['refused']} | {counts['read']} | {seconds:.2f} s |")
        refused, read = self.total("refused"), self.total("read")
        slowest = max(self.slowest.values())
        return "\n".join([*lines, f"| all | {refused + read} | {refused} | {read} | {slowest:.2f} s |"])


def run(numbers: range, folder: Path) -> Table:
    """What becomes of the files; fails where one is neither read nor refused, or anything is executed."""
    global watched
    if not getattr(run, "hooked", False):
        sys.addaudithook(watch)
        run.hooked = True  # type: ignore[attr-defined]
    table, watched = Table(), []
    try:
        for number in numbers:
            source, mutation, content = mutated(number)
            try:
                before = time.process_time()
                found = outcome(content, folder / f"x{source.suffix}")
                table.add(mutation, found, time.process_time() - before)
            except Exception as error:
                raise AssertionError(f"file {number}: {source.name}, {mutation}: {type(error).__name__}") from error
        assert watched == []
    finally:
        watched = None
    return table


def test_a_sample(tmp_path: Path):
    table = run(range(60), tmp_path)
    assert min(table.total("read"), table.total("refused")) > 5


@pytest.mark.slow
def test_all(tmp_path: Path):
    run(range(20), tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    table = run(range(ALL), tmp_path)
    assert table.total("read") + table.total("refused") == ALL
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY


def test_damaged_files_are_compared_in_one_line(tmp_path: Path):
    """Also where the damage is in the numbers, which are looked at last."""
    source = next(path for path in SOURCES if path.suffix in (".pt", ".pth"))
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(CheckpointError) as raised:
        list(diff(tmp_path / "x", source, REGISTRY))
    assert "\n" not in str(raised.value)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        run(range(20), Path(place))
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(run(range(int(sys.argv[1])), Path(place)))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
        print(f"\nexecuted: nothing; tracebacks: none; memory beside that of the first 20 files: {grown >> 10} MiB")
