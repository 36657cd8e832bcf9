"""Which of several processes does what, by the methods of a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.tiny import tiny_experiment

from gancore.training import train
from gancore.training.observer import Context, Observer
from gancore.training.run import Run, first_process
from gancore.training.trainer import Trainer


class Counting:
    """One of several processes; counts how often it waits for the others."""

    def __init__(self, first: bool) -> None:
        self.first, self.waits = first, 0

    @contextmanager
    def first_alone(self) -> Iterator[bool]:
        yield self.first
        self.waits += 1


@pytest.mark.parametrize("first", [True, False])
def test_the_first_process_works_and_all_wait_once(first: bool) -> None:
    """However many methods of the first process one of them calls: the others know of the outermost only."""
    done: list[str] = []

    @first_process
    def inner(run: Run, what: str) -> None:
        done.append(what)

    @first_process
    def outer(run: Run) -> None:
        inner(run, "a")
        inner(run, "b")

    processes = Counting(first)
    run = SimpleNamespace(processes=processes, others_wait=False)
    outer(run)  # type: ignore[arg-type]
    assert done == (["a", "b"] if first else [])
    assert processes.waits == 1
    inner(run, "c")  # type: ignore[arg-type]
    assert processes.waits == 2


def test_what_the_first_process_alone_does() -> None:
    """All others are done by every process: a forgotten mark writes a file twice, one too many hangs a run."""
    alone = {name for name, method in vars(Run).items() if hasattr(method, "__wrapped__") and name != "watched"}
    files = {"set_up", "cut_back", "set_aside", "sample", "checkpoint", "save", "evaluate"}
    assert alone == {*files, "begin", "finish"}


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
