"""The life of a cell: its state, and how the beginning and the end of an attempt change it. Pure functions.

The state records an attempt when it begins, so that one whose end no process saw is not forgotten.
"""

import signal
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, get_args

from pydantic import ConfigDict

from gancore.config.sections.grid import StopEarly
from gancore.errors import Interrupted

State = Literal["waiting", "running", "done", "stopped", "interrupted", "killed", "failed", "damaged"]
STATES: tuple[State, ...] = get_args(State)
"""Files never contain running, which the locks show, nor damaged. stopped: by a rule of
`stop_early`. All but done, stopped and failed continue by themselves."""


@dataclass(frozen=True)
class CellState:
    """The state of a cell, besides its run folder.

    identity: see gancore.config.identity; None if its data could not be opened.
    values, labels: axis to value, and to its label in names.
    attempts: processes that have worked on it. seconds: their total time.
    started: the start of the process whose end is not recorded yet, seconds since the epoch.
    reason: why it is not done, in one line; `stderr` the end of its process's output, `exit_code` how it ended
        (negative: the signal). rule: the rule that stopped it.
    threads, gpu, host: those of the last process.
    parameters: of its networks, {"generator": 12345, "discriminator": 23456}.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    name: str
    identity: str | None = None
    state: State = "waiting"
    labels: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    kimg: int | float = 0
    data: dict[str, Any] | None = None
    parameters: dict[str, int] | None = None
    attempts: int = 0
    seconds: int | float = 0
    started: int | float | None = None
    exit_code: int | None = None
    reason: str | None = None
    stderr: str | None = None
    rule: StopEarly | None = None
    threads: int | None = None
    gpu: str | None = None
    host: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    exit_code: of the process, negative for a signal; None if none was started or it was lost with its machine.
    said: the end of its stderr.
    stopped: it was asked to save and stop. rule: the rule that made it hopeless; verdict: why, in one line.
    """

    exit_code: int | None
    said: str = ""
    stopped: bool = False
    rule: StopEarly | None = None
    verdict: str | None = None
    seconds: float = 0

    @property
    def not_started(self) -> bool:
        """Whether there was no process, because all were asked to stop before its turn."""
        return self.exit_code is None and self.stopped


def begun(state: CellState, now: float, threads: int, gpu: str | None, host: str) -> CellState:
    """Another attempt, from now on (seconds since the epoch)."""
    return replace(state, attempts=state.attempts + 1, started=now, threads=threads, gpu=gpu, host=host)


def settled(state: CellState, last_sign: float) -> CellState:
    """Ends an attempt whose end no process saw; it lasted until its last sign of life (seconds since the epoch)."""
    if state.started is None:
        return state
    return replace(state, seconds=state.seconds + max(last_sign - state.started, 0.0), started=None)


def judged(state: CellState, outcome: Outcome, kimg: float) -> CellState:
    """The state after the end of an attempt. kimg: reached by both the cell's model and its newest checkpoint.

    Exit code 0 does not prove that a process has trained to the end: plugins can end it.
    """
    if outcome.exit_code is None:  # nothing was started, or a machine was lost
        return replace(state, rule=None, reason=outcome.said or None)
    ended = replace(
        state,
        seconds=state.seconds + outcome.seconds,
        started=None,
        exit_code=outcome.exit_code,
        stderr=outcome.said or None,
        rule=None,
    )
    if outcome.exit_code == 0 and kimg >= state.kimg:
        return replace(ended, state="done", reason=None, stderr=None)
    if outcome.exit_code == 0:
        reason = f"ended early with exit code 0: model and checkpoint have {kimg:g} of {state.kimg:g} kimg"
        return replace(ended, state="failed", reason=reason)
    if outcome.rule is not None:
        return replace(ended, state="stopped", reason=outcome.verdict, rule=outcome.rule)
    if outcome.stopped or outcome.exit_code == Interrupted.exit_code:
        return replace(ended, state="interrupted", reason="asked to stop; goes on from its last checkpoint")
    if outcome.exit_code < 0:
        reason = f"ended by {_signal(-outcome.exit_code)}; goes on from its last checkpoint"
        return replace(ended, state="killed", reason=reason)
    return replace(ended, state="failed", reason=last_line(outcome.said) or f"exit code {outcome.exit_code}")


def last_line(said: str) -> str:
    """The line with the message of an error: the last one, as in a traceback."""
    return said.splitlines()[-1].strip() if said else ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
