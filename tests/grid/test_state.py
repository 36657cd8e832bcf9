"""The life of a cell: what becomes of its state when an attempt begins and ends."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
from support.grid_files import InProcess, load_grid, run_here
from support.made_up_grids import made_up

from gancore.artifacts.lock import waited_for
from gancore.config.sections.grid import StopEarly
from gancore.errors import RunFailed
from gancore.grid.folder import GridFolder
from gancore.grid.state import CellState, Outcome, begun, judged, settled

CELL = CellState("a", kimg=10, seconds=5)
RULE = StopEarly(metric="fid", after_kimg=1, worse_than=100)


def test_an_attempt_is_counted_when_it_begins() -> None:
    state = begun(CELL, now=100.0, threads=2, gpu="1", host="here")
    assert (state.attempts, state.started, state.threads, state.gpu, state.host) == (1, 100.0, 2, "1", "here")


@pytest.mark.parametrize(("last_sign", "seconds"), [(130.0, 35), (50.0, 5)])
def test_an_attempt_whose_end_nobody_saw_lasted_until_its_last_sign(last_sign: float, seconds: float) -> None:
    state = settled(replace(CELL, started=100.0), last_sign)
    assert (state.seconds, state.started) == (seconds, None)
    assert settled(CELL, last_sign) is CELL


@pytest.mark.parametrize(
    ("outcome", "kimg", "state", "reason"),
    [
        (Outcome(0), 10, "done", None),
        (Outcome(0, "warning"), 10.064, "done", None),
        (Outcome(0), 2.5, "failed", "ended early with exit code 0: model and checkpoint have 2.5 of 10 kimg"),
        (Outcome(1, "Traceback\nValueError: no"), 2, "failed", "ValueError: no"),
        (Outcome(2), 0, "failed", "exit code 2"),
        (Outcome(3, "stopped", stopped=True), 2, "interrupted", "asked to stop; goes on from its last checkpoint"),
        (Outcome(3), 2, "interrupted", "asked to stop; goes on from its last checkpoint"),
        (Outcome(3, rule=RULE, verdict="hopeless"), 2, "stopped", "hopeless"),
        (Outcome(-signal.SIGKILL), 2, "killed", "ended by SIGKILL; goes on from its last checkpoint"),
        (Outcome(-99), 2, "killed", "ended by signal 99; goes on from its last checkpoint"),
        (Outcome(None, "lost by Ray"), 2, "waiting", "lost by Ray"),
        (Outcome(None, stopped=True), 2, "waiting", None),
    ],
)
def test_what_the_end_of_an_attempt_means(outcome: Outcome, kimg: float, state: str, reason: str | None) -> None:
    found = judged(replace(CELL, started=1.0), replace(outcome, seconds=7), kimg)
    assert (found.state, found.reason) == (state, reason)
    ended = outcome.exit_code is not None
    assert (found.seconds, found.started) == ((12, None) if ended else (5, 1.0))
    assert found.rule == outcome.rule


def test_a_process_that_ends_early_with_exit_code_0_is_not_done(tmp_path: Path) -> None:
    """A plugin that calls os._exit(0) in the middle of training: nothing was written, or a checkpoint on the way."""
    early = InProcess(ends={"seed=0": Outcome(0)})
    with pytest.raises(RunFailed, match=r"seed=0: failed: ended early with exit code 0: .* 0 of 0.016 kimg"):
        run_here(load_grid(tmp_path / "g.yaml", {"seeds": [0, 1]}), tmp_path / "out", early)
    folder = GridFolder(tmp_path / "out")
    assert (folder.state("seed=0").state, folder.state("seed=1").state) == ("failed", "done")
    model, checkpoint = folder.run("seed=1").model, folder.run("seed=1").checkpoints()[0]
    late = InProcess(ends={"seed=0": Outcome(0), "seed=1": Outcome(0)})
    with pytest.raises(RunFailed, match=r"seed=1: failed: .* 0.016 of 0.024 kimg"):
        run_here(load_grid(tmp_path / "g.yaml", {"seeds": [0, 1]}, training__kimg=0.024), tmp_path / "out", late)
    assert model.exists()
    assert checkpoint.exists()


def test_a_cell_that_has_just_ended_is_running_until_its_end_is_written_down(tmp_path: Path) -> None:
    folder = made_up(tmp_path, {"seeds": [0, 1]}, {"seed=0": {"at": 3, "started": 5.0}, "seed=1": {"at": 3}})
    with waited_for(folder.lock_file):  # the process that runs the grid
        assert folder.state("seed=0").state == "running"
        assert folder.state("seed=1").state == "interrupted"  # waits for its turn
    assert folder.state("seed=0").state == "interrupted"  # nobody is left who would write anything


def test_a_cell_that_ends_while_it_is_looked_at_was_not_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end is written, and the grid's lock given back, just before the locks are looked at."""
    folder = made_up(tmp_path, {"seeds": [0]}, {"seed=0": {"at": 3, "started": 5.0}})
    ended = replace(folder.known("seed=0"), state="done", started=None)

    def free(path: Path) -> bool:
        folder.write(ended)
        return False

    monkeypatch.setattr("gancore.grid.folder.is_locked", free)
    assert folder.state("seed=0").state == "done"


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = made_up(tmp_path, {"seeds": [0]}, {})
    state = CellState(
        "seed=0", "f" * 16, "stopped", {"a": "b"}, {"a": [1, {"b": None}]}, 3, 10, {"sha256": "x"}, {"generator": 5},
        2, 7.5, 1.5, -9, "why", "err", RULE, 4, "0", "host",
    )  # fmt: skip
    folder.write(state)
    assert folder.stored("seed=0") == state
