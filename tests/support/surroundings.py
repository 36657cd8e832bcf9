"""What surrounds a run changes while it trains: its data, the clock, limits, other processes, lost workers."""

import itertools
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from support.disks import small
from support.killing import child, start
from support.kills import children_of, pictures
from support.outcomes import Row, are_equal, row, within
from support.tiny import QUICK, quick_experiment

from gancore.artifacts import RunFolder
from gancore.config import Experiment
from gancore.errors import GancoreError, Interrupted
from gancore.training import train
from gancore.training.trainer import Trainer

OFTEN = {"training__kimg": 0.064, "training__checkpoint_kimg": 0.016, "training__log_kimg": 0.008}
STEPS = 8
YEARS = 10 * 365 * 86400
PATIENCE = 180.0
"""Seconds that torchrun has for a run of 50 steps, with three restarts."""


def on_pictures(folder: Path, decode: str) -> Experiment:
    """Eight steps on 40 images, which are in `folder`."""
    return quick_experiment(data=pictures(folder) | {"decode": decode}, data__resolution=8, **OFTEN)


@contextmanager
def after(step: int, action: Callable[[], Any]) -> Iterator[None]:
    """Calls `action` after some steps of the training that runs in here."""
    real, steps = Trainer.step, [0]

    def counted(self: Trainer) -> None:
        real(self)
        steps[0] += 1
        if steps[0] == step:
            action()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "step", counted)
        yield


def data_change(folder: Path, how: str, decode: str, draw: random.Random) -> str:
    """Images vanish or change while a run is trained on them, and come back before it is continued."""
    experiment, run, kept = on_pictures(folder, decode), folder / "run", folder / "kept"
    images = folder / "pictures"
    shutil.copytree(images, kept)
    files = sorted(path for path in images.rglob("*.png"))
    some = draw.sample(files, draw.choice([1, 10, len(files)]))

    def change() -> None:
        for file in some:
            match how:
                case "vanish":
                    file.unlink()
                case "are cut":
                    file.write_bytes(file.read_bytes()[:60])
                case _:
                    file.write_bytes(draw.choice(files).read_bytes())

    outcome = "went on"
    try:
        with after(draw.randrange(1, STEPS), change):
            train(experiment, run)
    except GancoreError as error:
        named = any(file.name in str(error) for file in some)
        outcome = "ended" if named else f"ended without the name of an image: {error}"
    shutil.rmtree(images)
    kept.rename(images)
    train(experiment, run)
    return outcome


def clock_jumps(folder: Path, draw: random.Random) -> str:
    """The clock jumps, the run is stopped, and continued when it has jumped once more."""
    with pytest.MonkeyPatch.context() as patch:
        real, ahead = time.time, [0.0]
        patch.setattr(time, "time", lambda: real() + ahead[0])
        patch.setattr(time, "time_ns", lambda: int((real() + ahead[0]) * 1e9))

        def jump() -> None:
            ahead[0] += draw.choice([-YEARS, -3600, 3600, YEARS])

        with suppress(Interrupted), after(draw.randrange(1, STEPS - 1), lambda: (jump(), _stop())):
            train(on_pictures(folder, "ahead"), folder / "run")
        jump()
        train(on_pictures(folder, "ahead"), folder / "run")
    return "went on"


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _limited(out: Path, size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    train(small(), out)


def files_are_limited(folder: Path, draw: random.Random) -> str:
    """The kernel writes a part of what it is given, and then refuses: no file may have more than some bytes."""
    process = start(_limited, folder / "run", draw.randrange(60_000), errors=folder / "limited.txt")
    process.join()
    train(small(), folder / "run")
    if process.exitcode == 0:
        return "went on"
    said = (folder / "limited.txt").read_text().strip().splitlines()
    return "ended" if "File too large" in said[-1] else f"ended with {said[-1]}"


def two_of_one_folder(folder: Path, draw: random.Random) -> str:
    """A second process is started in the same folder, up to half a second later."""
    changes = {**QUICK, **OFTEN, "data": pictures(folder)}
    processes = []
    for number in range(2):
        processes.append(start(child, folder / "run", None, changes, errors=folder / f"{number}.txt"))
        time.sleep(draw.uniform(0, 0.5) * (number == 0))
    for process in processes:
        process.join()
    codes = sorted(process.exitcode for process in processes if process.exitcode is not None)
    if codes == [0, 0]:
        return "went on"
    refused = any("another process" in (folder / f"{number}.txt").read_text() for number in range(2))
    return "refused" if codes == [0, 1] and refused else f"ended with {codes}"


def torchrun(folder: Path, draw: random.Random | None) -> str:
    """torchrun starts two processes, and, if one of them is killed, both again."""
    file, run = folder / "x.yaml", folder / "run"
    file.write_text(quick_experiment(**{**OFTEN, "data": pictures(folder), "training__kimg": 0.4}).to_yaml())
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=9"]
    with (folder / "said.txt").open("ab") as said:
        process = subprocess.Popen(
            [*command, "-m", "gancore.cli", "train", str(file), "--out", str(run)], stdout=said, stderr=said
        )
    lost, until = 0, time.monotonic() + PATIENCE
    while process.poll() is None:
        time.sleep(0.02)
        if draw is not None and time.monotonic() > until:
            for pid in (process.pid, *children_of(process.pid)):
                os.kill(pid, signal.SIGKILL)
            process.wait()
            return "waited" if torchrun(folder, None) == "restarted 0 times" else "LOST: not done by hand"
        if draw is not None and lost < 3 and _logged(run) > 10 * lost and (workers := children_of(process.pid)):
            time.sleep(draw.uniform(0, 0.5))
            with suppress(ProcessLookupError):
                os.kill(draw.choice(workers), signal.SIGKILL)
                lost += 1
            time.sleep(2)
    return f"restarted {lost} times" if process.returncode == 0 else f"LOST: ended with {process.returncode}"


def _logged(run: Path) -> int:
    log = RunFolder(run).log
    return log.read_text().count("\n") if log.exists() else 0


Try = Callable[[Path, random.Random], str]


def _of_data(how: str, decode: str) -> Try:
    return lambda folder, draw: data_change(folder, how, decode, draw)


TRIES: dict[str, tuple[float, Try]] = {
    **{
        f"images {how} during a training that decodes them {decode.replace('_', ' ')}": (1, _of_data(how, decode))
        for decode in ("on_the_fly", "ahead")
        for how in ("vanish", "are cut", "are others")
    },
    "the clock jumps by an hour or ten years, and again before the run goes on": (1, clock_jumps),
    "no file may be larger than a random size: the kernel writes less than it is given": (2, files_are_limited),
    "two processes in one folder, up to half a second apart": (2, two_of_one_folder),
    "torchrun (`--max-restarts`) loses one of two workers, up to three times": (5, torchrun),
}
"""What is tried, with its share of the time."""

WORDS = {
    "ended": "told, and resumed with equal bits",
    "went on": "trained on, equal bits",
    "refused": "one refused, the other with equal bits",
    "waited": "restarted processes waited for one another; started by hand, equal bits",
    **{f"restarted {count} times": f"done with equal bits after {count} restarts" for count in range(4)},
}


def straight_for(attempt: Try, folder: Path) -> Path:
    """A run of the same experiment that nothing happens to."""
    run = folder / "run"
    if attempt is files_are_limited:
        train(small(), run)
    elif attempt is torchrun:
        torchrun(folder, None)
    else:
        train(on_pictures(folder, "ahead"), run)
    return run


def tried(attempt: Try, folder: Path, straight: Path, draw: random.Random) -> str:
    """What became of it, "lost" unless the run has the bits of one that nothing happened to."""
    folder.mkdir(parents=True)
    outcome = attempt(folder, draw)
    return outcome if are_equal(straight, folder / "run") else f"LOST: {outcome}"


def surroundings(folder: Path, seconds: float) -> Iterator[Row]:
    """Each of them again and again, as long as there is time."""
    shares = sum(share for share, _ in TRIES.values())
    for number, (name, (share, attempt)) in enumerate(TRIES.items()):
        at, draw, found = folder / str(number), random.Random(name), Counter[str]()
        (at / "straight").mkdir(parents=True)
        straight = straight_for(attempt, at / "straight")
        for _ in within(seconds * share / shares, itertools.count()):
            found[tried(attempt, at / "tried", straight, draw)] += 1
            shutil.rmtree(at / "tried")
        yield row(name, found, WORDS)
