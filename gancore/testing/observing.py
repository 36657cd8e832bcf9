"""Observers: a run of two sessions is reported to them, and a rollback, a profile and a cell."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

from PIL import Image

from gancore.contracts import Observer, RunInfo
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject

VALUES = {"images_per_s": 40.0, "loss/G": 0.5, "loss/D": 1.25}
SCORES = ({"name": "fid[embedded]", "value": 26.3, "spread": None}, {"name": "recall", "value": 0.0, "spread": None})


def an_observer_sees_a_run_to_its_end(subject: Subject) -> Iterator[Finding]:
    """Every hook is called as a run calls it, in two sessions with an instance each, in a folder that is deleted."""
    hooks = [name for name in vars(Observer) if name.startswith("on_")]
    unknown = sorted(name for name in dir(subject.plugin) if name.startswith("on_") and name not in hooks)
    why = "a hook of another name is never called"
    yield holds(not unknown, "hooks", f"some of {', '.join(hooks)}", ", ".join(unknown), why)
    with tempfile.TemporaryDirectory() as name, chdir(name):
        for step in (0, 2):
            for hook, call in _session(Path(name), subject.made(), step):
                try:
                    call()
                except Exception as error:
                    error.add_note(hook)  # shown with the finding
                    raise
    yield Finding("run", "no error in two sessions of a run, and at the end of a cell")


def _session(folder: Path, observer: Observer, step: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The calls of a session that starts at a step, with files that exist."""
    grid, checkpoint, profile = (folder / name for name in ("fakes.png", "checkpoint.safetensors", "profile.json"))
    Image.new("RGB", (16, 16)).save(grid)
    checkpoint.touch()
    profile.write_text("{}", encoding="utf-8")
    run = RunInfo(folder, "checked", {"format": 1, "training": {"kimg": 1}}, step, step / 100, 0.04)
    now = (step + 2, run.kimg + 0.02)
    yield "on_run_start", lambda: observer.on_run_start(run)
    yield "on_log", lambda: observer.on_log(*now, VALUES)
    yield "on_samples", lambda: observer.on_samples(*now, grid)
    yield "on_checkpoint", lambda: observer.on_checkpoint(*now, checkpoint)
    yield "on_evaluation", lambda: observer.on_evaluation(*now, SCORES)
    yield "on_rewind", lambda: observer.on_rewind(step, run.kimg)
    yield "on_log", lambda: observer.on_log(*now, VALUES | {"later": 1.0})
    yield "on_profile", lambda: observer.on_profile(profile)
    yield "on_run_end", lambda: observer.on_run_end("finished" if step else "interrupted", "")
    yield "on_cell_end", lambda: observer.on_cell_end(folder, "seed=0", "done", SCORES)
