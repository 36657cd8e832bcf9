"""What the end of a cell's process means for the cell."""

import signal

from gancore.errors import Interrupted
from gancore.grid.attempts import end
from gancore.grid.folder import CellState
from gancore.grid.job import Outcome


def judge(state: CellState, outcome: Outcome) -> None:
    """Brings a cell's state up to date with how its process ended; that it began was written when it did."""
    state.rule = None
    if outcome.exit_code is None:  # nothing was started, or a machine was lost
        state.reason = outcome.said or None
        return
    end(state, outcome.seconds)
    state.exit_code, state.stderr = outcome.exit_code, outcome.said or None
    if outcome.exit_code == 0:
        state.state, state.reason, state.stderr = "done", None, None
    elif outcome.rule is not None:
        state.state, state.reason, state.rule = "stopped", outcome.verdict, dict(outcome.rule)
    elif outcome.stopped or outcome.exit_code == Interrupted.exit_code:
        state.state, state.reason = "interrupted", "asked to stop; goes on from its last checkpoint"
    elif outcome.exit_code < 0:
        state.state, state.reason = (
            "killed",
            f"ended by {_signal(-outcome.exit_code)}; goes on from its last checkpoint",
        )
    else:
        state.state, state.reason = "failed", last_line(outcome.said) or f"exit code {outcome.exit_code}"


def last_line(said: str) -> str:
    """The line in which an error says what it is: the last one, as in a traceback."""
    return said.splitlines()[-1].strip() if said else ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
