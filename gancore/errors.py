"""Errors a user can cause. The command line prints them without a traceback and exits with `exit_code`."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class GancoreError(Exception):
    """An error that the user can fix; the message names the mistake, its place, and what would be right."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: no traceback, as on the command line."""
        return [f"{type(self).__name__}: {self}"]


@dataclass(frozen=True)
class Problem:
    """One mistake in a file or an override: `where` is "file:line" or "-o KEY=VALUE", `key` the dotted path."""

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class ConfigError(GancoreError):
    """All mistakes of an experiment at once; the message has the first SHOWN, and the number of the others."""

    SHOWN = 50

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        lines = list(map(str, self.problems[: self.SHOWN]))
        more = len(self.problems) - len(lines)
        super().__init__("\n".join([*lines, f"and {more} more mistakes"] if more else lines))


class PluginError(GancoreError):
    """A plugin is unknown, broken, or of another kind."""


class DataError(GancoreError):
    """A data set is missing, damaged or does not fit."""


class RunError(GancoreError):
    """A run folder cannot be used (another experiment, no checkpoint, damaged file)."""


class CheckpointError(GancoreError):
    """A file of another project cannot be read, or requests something that no checkpoint needs."""


class RunFailed(GancoreError):
    """A run failed after it started; the message names the run folder and its newest checkpoint."""

    exit_code = 1


class Interrupted(GancoreError):
    """A run was interrupted; it is saved and the message says how to continue."""

    exit_code = 3


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`unknown; did you mean 'x'? known: ...`, without the question if nothing is similar."""
    names = sorted(known)
    return f"{nearest(word, names, 1)}known: {', '.join(names) or 'none'}"


def nearest(word: str, known: Iterable[str], count: int = 3) -> str:
    """`did you mean 'x' or 'y'? `, empty if nothing is similar."""
    near = [repr(name) for name in difflib.get_close_matches(word, sorted(known), n=count)]
    *others, last = near or [""]
    return f"did you mean {', '.join(others)}{' or ' * bool(others)}{last}? " if near else ""
