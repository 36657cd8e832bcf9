"""What asks a run to stop, how often it may ask, and that a terminal which is gone ends nothing."""

import errno
import io
import os
import signal
import sys
from pathlib import Path

import pytest
from support.killing import command_on_a_gone_terminal, start
from support.tiny import quick_experiment

from gancore import cli
from gancore.cli.grid_cell import STOP
from gancore.errors import Interrupted, RunFailed
from gancore.training import logs, train
from gancore.training.interruption import URGENT, WARNINGS, stop_request
from gancore.training.trainer import Trainer

pytestmark = pytest.mark.xdist_group("processes")  # one worker has a server to fork them from

ALL = [*URGENT, *WARNINGS]


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", ALL, ids=lambda number: number.name)
def test_every_signal_saves_and_ends_with_3(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Trainer.step

    def signalled(self: Trainer) -> None:
        step(self)
        send(number)

    monkeypatch.setattr(Trainer, "step", signalled)
    file = tmp_path / "quick.yaml"
    file.write_text(quick_experiment().to_yaml())
    assert cli.main(["train", str(file), "--out", str(tmp_path / "run")]) == 3
    assert (tmp_path / "run" / "checkpoint-000000.008.safetensors").is_file()


def test_warnings_may_come_again_and_urgent_signals_once() -> None:
    with stop_request() as stop:
        assert not stop
        for number in [*WARNINGS, *WARNINGS, signal.SIGTERM, *WARNINGS]:
            send(number)
            assert stop
        with pytest.raises(Interrupted, match="ended at once"):
            send(signal.SIGINT)


@pytest.mark.parametrize("number", WARNINGS, ids=lambda number: number.name)
def test_what_was_ignored_stays_ignored(number: int) -> None:
    """nohup starts a program with SIGHUP ignored."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with stop_request() as stop:
            send(number)
            assert not stop
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in ALL]
    with stop_request():
        assert [signal.getsignal(number) for number in ALL] != before
    assert [signal.getsignal(number) for number in ALL] == before


def test_a_cell_asks_itself_by_a_signal_that_may_come_on_top_of_another() -> None:
    """A service manager sends SIGTERM to the grid and to its cells: a second one would end them unsaved."""
    assert STOP in WARNINGS


class Broken(io.StringIO):
    """A stream whose every write fails."""

    def __init__(self, number: int, tty: bool) -> None:
        super().__init__()
        self.number, self.tty = number, tty

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(("number", "tty"), [(errno.ENOSPC, False), (errno.EPIPE, False), (errno.EIO, True)])
def test_a_stderr_that_takes_nothing_ends_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, tty: bool
) -> None:
    file = tmp_path / "quick.yaml"
    file.write_text(quick_experiment(training__kimg=0.016).to_yaml())
    monkeypatch.setattr(sys, "stderr", Broken(number, tty))
    assert cli.main(["train", str(file), "--out", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "model.safetensors").is_file()
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 1


def test_a_log_that_cannot_be_written_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, record: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(logs, "append_line", full)
    with pytest.raises(RunFailed, match=r"log\.jsonl: No space left on device; run folder"):
        train(quick_experiment(), tmp_path / "run")


def test_a_terminal_that_is_gone_ends_no_training(tmp_path: Path) -> None:
    file = tmp_path / "quick.yaml"
    file.write_text(quick_experiment(training__kimg=0.008).to_yaml())
    process = start(command_on_a_gone_terminal, ["train", str(file), "--out", str(tmp_path / "run")])
    process.join()
    assert process.exitcode == 0
    assert (tmp_path / "run" / "model.safetensors").is_file()
