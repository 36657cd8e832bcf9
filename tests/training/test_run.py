"""Which of several processes does what, by the methods of a run."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.tiny import quick_experiment, tiny_experiment

from gancore.artifacts import RunFolder
from gancore.errors import Interrupted
from gancore.evaluation.progress import Stopped
from gancore.training import train
from gancore.training.distribution import Processes, first_process
from gancore.training.observer import Context, Observer
from gancore.training.run import Run
from gancore.training.saving import Saves
from gancore.training.trainer import Trainer


class Counting(Processes):
    """One of several processes; counts how often it waits for the others."""

    waits = 0

    def wait(self) -> None:
        self.waits += 1


@pytest.mark.parametrize("rank", [0, 1])
def test_the_first_process_works_and_all_wait_once(rank: int) -> None:
    """However many methods of the first process one of them calls: the others know of the outermost only."""
    done: list[str] = []

    @first_process
    def inner(run: Run, what: str) -> None:
        done.append(what)

    @first_process
    def outer(run: Run) -> None:
        inner(run, "a")
        inner(run, "b")

    run, processes = Run.__new__(Run), Counting(rank, 2)
    run.processes = processes
    outer(run)
    assert done == ["a", "b"] * (rank == 0)
    assert processes.waits == 1
    inner(run, "c")
    assert processes.waits == 2


def test_a_failure_of_the_first_process_leaves_no_wait_out() -> None:
    """What comes after an error meets the others again."""

    @first_process
    def failing(run: Run) -> None:
        raise OSError("a full disk")

    run, processes = Run.__new__(Run), Counting(0, 2)
    run.processes = processes
    with pytest.raises(OSError, match="a full disk"):
        failing(run)
    assert not processes.others_wait


def test_what_the_first_process_alone_does() -> None:
    """All others are done by every process: a forgotten mark writes a file twice, one too many hangs a run."""
    alone = {
        name
        for kind in (Run, Saves)
        for name, method in vars(kind).items()
        if hasattr(method, "__wrapped__") and name != "watched"
    }
    assert alone == {"check", "set_up", "sample", "checkpoint", "save_unless_saved", "write", "_cut_back", "_set_aside"}


class Answering:
    """One of two processes; all of them get the answers of the first."""

    def __init__(self, first: bool, answers: bool) -> None:
        self.first, self.answers = first, answers

    def first_says(self, answer: Callable[[], bool]) -> bool:
        return answer() if self.first else self.answers


@pytest.mark.parametrize("first", [True, False])
def test_a_signal_during_an_evaluation_ends_all_processes(first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first process alone evaluates; the others end with it, with the same error."""
    run, saved = Run.__new__(Run), []
    run.processes = Answering(first, answers=True)  # type: ignore[assignment]
    run.stop = run.evaluation = SimpleNamespace(measure=stopped)  # type: ignore[assignment]
    run.trainer, run.folder = SimpleNamespace(kimg=1.0), RunFolder(Path("run"))  # type: ignore[assignment]
    monkeypatch.setattr(Run, "save_unless_saved", lambda run: saved.append(run))
    with pytest.raises(Interrupted, match="stopped at 1 kimg and saved"):
        run.evaluate()
    assert saved == [run]


def stopped(trainer: object) -> None:
    raise Stopped


def test_a_signal_in_a_step_with_a_checkpoint_writes_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step, written = Trainer.step, []

    def signalled(self: Trainer) -> None:
        step(self)
        if self.counters.step == 2:  # the first with a checkpoint
            os.kill(os.getpid(), signal.SIGTERM)

    def write(self: Saves, trainer: Trainer) -> None:
        written.append(trainer.kimg)
        write_now(self, trainer)

    write_now = Saves.write
    monkeypatch.setattr(Trainer, "step", signalled)
    monkeypatch.setattr(Saves, "write", write)
    with pytest.raises(Interrupted):
        train(quick_experiment(), tmp_path / "run")
    assert written == [0.016]


def test_a_finished_run_is_only_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(tiny_experiment(training__kimg=0.016), tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*.safetensors")}
    monkeypatch.setattr(Trainer, "step", lambda self: pytest.fail("a step was made"))
    train(tiny_experiment(training__kimg=0.016), run.path)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*.safetensors")} == before


def test_an_observer_that_raises_ends_the_run(tmp_path: Path) -> None:
    class Raising(Observer):
        def step(self, trainer: Trainer) -> Context:
            raise KeyError("a mistake")

    with pytest.raises(KeyError, match="a mistake"):
        train(tiny_experiment(training__kimg=0.016), tmp_path / "run", Raising())
