"""Processes of their own: training that is killed (SIGKILL) at a chosen place, and several processes of one run."""

import multiprocessing
import os
import pty
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import torch
from support.tiny import tiny_experiment, tiny_trainer

from gancore.cli import main
from gancore.config.sections.data import DataKeys
from gancore.data import opening
from gancore.discovery import discover
from gancore.training import train


def kill_at(module: Any, name: str, call: int, after: bool) -> None:
    """Replaces a function by one whose `call`-th call ends the process with SIGKILL, before or after its work."""
    work, calls = getattr(module, name), iter(range(call + 1))

    def fatal(*args: Any, **kwargs: Any) -> Any:
        last = next(calls) == call
        if last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = work(*args, **kwargs)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(module, name, fatal)


def cut_short(path: Path, tensors: Any, about: Any) -> None:
    """A checkpoint write that dies with half a file under its temporary name."""
    path.with_name(path.name + ".tmp").write_bytes(b"\x00" * 1000)
    os.kill(os.getpid(), signal.SIGKILL)


def fault(number: int) -> None:
    """Ten places to be killed at; 3, 4 and 5 are inside the writing of a checkpoint."""
    from gancore.artifacts import atomic, run, tensors
    from gancore.training import logs, saving
    from gancore.training import run as loop
    from gancore.training.trainer import Trainer

    faults: list[Callable[[], None]] = [
        lambda: kill_at(Trainer, "run_phase", 1, after=True),
        lambda: kill_at(Trainer, "end_step", 1, after=False),
        lambda: kill_at(Trainer, "step", 2, after=True),
        lambda: setattr(saving, "save_tensors", cut_short),
        lambda: kill_at(tensors, "save_file", 0, after=True),
        lambda: kill_at(atomic, "_flush", 6, after=True),
        lambda: kill_at(saving, "save_model", 0, after=False),
        lambda: kill_at(run.RunFolder, "retain", 0, after=True),
        lambda: kill_at(logs, "append_line", 0, after=True),
        lambda: kill_at(loop, "save_grid", 0, after=False),
    ]
    faults[number]()


def child(out: Path, number: int | None, changes: dict[str, Any]) -> None:
    """Trains in this process, and meets a fault."""
    if number is not None:
        fault(number)
    train(tiny_experiment(**changes), out)


def run_child(out: Path, number: int | None, **changes: Any) -> int | None:
    """The exit code of a process that trains and meets a fault."""
    process = start(child, out, number, changes)
    process.join()
    return process.exitcode


def start(
    function: Callable[..., None], *args: Any, environment: Mapping[str, str] | None = None, errors: Path | None = None
) -> ForkServerProcess:
    """Calls a function in a process of its own, which need not import anything: it is forked from a server that has.

    `errors` is a file for what it writes to stderr.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["gancore.training", "torch.utils.tensorboard"])
    process = context.Process(target=_called, args=(function, args, environment or {}, errors), daemon=True)
    process.start()
    return process


def _called(
    function: Callable[..., None], args: Sequence[Any], environment: Mapping[str, str], errors: Path | None
) -> None:
    torch.set_num_threads(1)
    os.environ.update(environment)
    if errors is not None:
        os.dup2(os.open(errors, os.O_CREAT | os.O_WRONLY), 2)
    function(*args)


def open_when_told(pipe: Connection, folder: Path) -> None:
    """Opens a folder of images, mapped from the cache, after a word; says when it is ready, and their hash."""
    opening.WORTH_KEEPING = -1.0
    plugin = discover().get("dataset", "folder").load()
    dataset = plugin(plugin.Config(path=str(folder)), Path())
    pipe.send("ready")
    pipe.recv()
    pipe.send(opening.open_data(dataset, DataKeys(labels=True), memory_limit=0).identity.sha256)


def step_without_a_compiler() -> None:
    tiny_trainer().step()
    assert "torch._dynamo" not in sys.modules


def command_on_a_gone_terminal(arguments: Sequence[str]) -> None:
    """`gancore ARGUMENTS` on a terminal whose other end is closed; what is written there is an I/O error."""
    window, terminal = pty.openpty()
    os.close(window)
    for stream in (0, 1, 2):
        os.dup2(terminal, stream)
    sys.exit(main(list(arguments)))


def command_without(descriptor: int, arguments: Sequence[str]) -> None:
    """`gancore ARGUMENTS` with stdout (1) or stderr (2) closed, for which Python starts with None."""
    setattr(sys, {1: "stdout", 2: "stderr"}[descriptor], None)
    os.close(descriptor)
    sys.exit(main(list(arguments)))
