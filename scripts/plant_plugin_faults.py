"""Plants faults into sound plugins, one at a time, and prints how many of them `gancore plugins check` finds, by kind.

    python -m scripts.plant_plugin_faults [KIND...]

The faults are in tests/fixtures/planted, one file a kind: a sound plugin, and for each fault the check that must find
it, what is replaced, and by what. Exits with 1 if a fault is not found.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from gancore.errors import PluginError
from gancore.kinds import KINDS
from gancore.local_plugins import load_local
from gancore.registry import PluginSpec
from gancore.testing import Finding
from gancore.testing.check import is_built, kind_of, run
from gancore.testing.subject import Subject, small_options
from gancore.testing.table import CHECKS, Check

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "tests/fixtures/planted"


class Planted(NamedTuple):
    """A fault: the check that must find it, and what it replaces in a sound plugin."""

    kind: str
    base: str
    check: str
    right: str
    wrong: str

    @property
    def source(self) -> str:
        """The plugin with the fault."""
        sound = (ROOT / self.base).read_text("utf-8")
        assert self.right in sound, f"{self.base} has no {self.right!r}"
        return sound.replace(self.right, self.wrong)

    def __str__(self) -> str:
        return f"{self.kind}, {self.check}: {self.right!r} -> {self.wrong!r}"


def planted(kinds: Iterable[str] = KINDS) -> Iterator[Planted]:
    """The faults of these kinds."""
    for kind in kinds:
        for group in yaml.safe_load((TABLE / f"{kind}.yaml").read_text("utf-8")):
            yield from (Planted(kind, group["base"], *fault) for fault in group["faults"])


def failures(kind: str, source: str, check: str) -> list[Finding]:
    """What a check finds wrong in a plugin, the only one of its file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "checked.py"
        file.write_text(source, encoding="utf-8")
        plugin = _plugin(kind, file, source)
        found = plugin.load()
        subject = Subject(plugin, found, found.Config(**small_options(found)))
        return [finding for finding in run(_check(kind, check), subject) if not finding.passed]


@cache
def is_sound(kind: str, base: str, check: str) -> bool:
    """Whether a check finds nothing wrong in a plugin without a fault."""
    return not failures(kind, (ROOT / base).read_text("utf-8"), check)


def _check(kind: str, name: str) -> Check:
    return next(check for check in (is_built, *CHECKS[kind]) if check.__name__ == name)


def _plugin(kind: str, file: Path, source: str) -> PluginSpec:
    """The plugin of a file. Raises PluginError if there is none."""
    classes = [line.removeprefix("class ").partition("(")[0] for line in source.splitlines() if line[:6] == "class "]
    for name in classes:
        spec = load_local({kind: {"checked": f"{file}:{name}"}}, Path(), requested=True)[0]
        try:
            if kind_of(spec.load()) == kind:
                return spec
        except PluginError:
            continue
    raise PluginError(f"{file} has no {kind}")


def main(kinds: Sequence[str]) -> int:
    """Prints a line for each fault that is not found, and the table. Returns the exit code."""
    lines, missed = [], 0
    for kind in kinds or KINDS:
        faults = list(planted([kind]))
        found = [bool(failures(kind, fault.source, fault.check)) for fault in faults]
        sound = [is_sound(kind, fault.base, fault.check) for fault in faults]
        for fault, caught, right in zip(faults, found, sound, strict=True):
            if not (caught and right):
                print("refused without the fault:" if caught else "not found:", fault, flush=True)
        missed += len(faults) - sum(found) + len(faults) - sum(sound)
        lines.append(f"| {kind} | {sum(found)} of {len(faults)} |")
        print(lines[-1], flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
