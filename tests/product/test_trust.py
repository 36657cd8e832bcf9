"""Folders and models of strangers: every command on every kind of them, and nothing of theirs is executed unasked."""

import json
import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from support.small import sampled
from support.tiny import tiny_experiment, tiny_mapping

import gancore
from gancore import trust
from gancore.artifacts.model import save_model
from gancore.artifacts.tensors import load_tensors, save_tensors
from gancore.cli import grid_cell, root
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.config.yaml.scalars import dump
from gancore.errors import ConfigError, RunFailed
from gancore.grid.job import Job, Outcome
from gancore.grid.run import run_grid

PLUGIN = """\
from pathlib import Path
from gancore.contracts import Normalization
Path({marker!r}).touch()

class Mine(Normalization):
    pass
"""

COPY = {"normalization": {"mine": "./plugins/mine.py:Mine"}}
BESIDE = {"normalization": {"mine": "./mine.py:Mine"}}
GRID = {"axes": {"training.batch": [8, 4]}}


def experiment(**changes: Any) -> dict[str, Any]:
    """A tiny experiment that uses the plugin."""
    small = {"training__kimg": 0.008, "data__resolution": 8}
    return tiny_mapping(**{"generator__normalization": "mine", "plugins": COPY, **small, **changes})


def write(path: str, content: Any) -> str:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else dump(content))
    return path


def run_folder(**changes: Any) -> None:
    write("foreign/config.yaml", {"format": 1, **experiment(**changes)})
    write("foreign/environment.json", json.dumps({"plugins": {}, "data": {}}))
    write("foreign/log.jsonl", "")


def bare_folder() -> None:
    write("foreign/config.yaml", experiment(plugins=BESIDE))


def roundabout() -> None:
    run_folder(plugins={"normalization": {"mine": "./plugins/../../foreign/./plugins/mine.py:Mine"}})


def absolute() -> None:
    run_folder(plugins={"normalization": {"mine": f"{Path.cwd()}/foreign/plugins/mine.py:Mine"}})


def extending() -> None:
    write("foreign/base.yaml", experiment(plugins=BESIDE))
    write("foreign/config.yaml", {"extends": "base.yaml", "name": "x"})


def extending_twice() -> None:
    write("foreign/base.yaml", experiment(plugins=BESIDE))
    write("foreign/between.yaml", {"extends": "base.yaml"})
    write("foreign/config.yaml", {"extends": "../foreign/between.yaml"})


def grid_folder() -> None:
    write("foreign/grid.yaml", experiment(grid=GRID))
    write("foreign/cells/a.yaml", experiment(plugins={"normalization": {"mine": "../plugins/mine.py:Mine"}}))
    write("foreign/cells/a/config.yaml", experiment(plugins={"normalization": {"mine": "../../mine.py:Mine"}}))
    write("foreign/cells/a.json", json.dumps({"name": "a", "state": "done"}))


def grid_of_extending_cells() -> None:
    write("foreign/base.yaml", experiment(plugins=BESIDE))
    write(
        "foreign/grid.yaml", tiny_mapping(generator__normalization=None, grid={"axes": {"extends": {"a": "base.yaml"}}})
    )


def model_files(**changes: Any) -> None:
    plain = tiny_experiment()
    save_model(Path("plain.safetensors"), compose(plain).generator, plain, {})
    tensors, about = load_tensors(Path("plain.safetensors"))
    for name in ("model.safetensors", "model-best.safetensors"):
        Path("foreign").mkdir(exist_ok=True)
        save_tensors(Path("foreign", name), tensors, {**about, "experiment": {**experiment(), **changes}})


def run_with_model() -> None:
    run_folder()
    model_files()


def model_that_extends() -> None:
    write("foreign/base.yaml", experiment(plugins=BESIDE))
    model_files(extends="base.yaml", plugins={})


def checkpoint() -> None:
    model_files()
    tensors, about = load_tensors(Path("foreign/model.safetensors"))
    run_folder()
    save_tensors(Path("foreign/checkpoint-00000.008.safetensors"), tensors, {**about, "kind": "checkpoint"})


KINDS: dict[str, tuple[Callable[[], None], list[str]]] = {
    "bare folder": (bare_folder, ["foreign", "foreign/config.yaml"]),
    "run folder": (run_folder, ["foreign", "foreign/config.yaml", "link", "link/config.yaml", "inside:config.yaml"]),
    "roundabout": (roundabout, ["foreign"]),
    "absolute": (absolute, ["foreign"]),
    "extending": (extending, ["foreign", "own.yaml"]),
    "extending twice": (extending_twice, ["foreign", "own.yaml"]),
    "grid folder": (
        grid_folder,
        [
            "foreign",
            "foreign/grid.yaml",
            "foreign/cells/a.yaml",
            "foreign/cells/a",
            "link/grid.yaml",
            "inside:grid.yaml",
        ],
    ),
    "grid of extending cells": (grid_of_extending_cells, ["foreign/grid.yaml"]),
    "model": (run_with_model, ["foreign", "foreign/model.safetensors", "foreign/model-best.safetensors"]),
    "model that extends": (model_that_extends, ["foreign", "foreign/model.safetensors"]),
    "checkpoint": (checkpoint, ["foreign", "foreign/checkpoint-00000.008.safetensors"]),
}
"""How a stranger may lay out code, with the paths that may be named."""

COMMANDS = {
    "train": ["train", "{}"],
    "train elsewhere": ["train", "{}", "--out", "here"],
    "validate": ["validate", "{}"],
    "validate --diff": ["validate", "--no-data", "--diff", "{}", "{}"],
    "plan": ["plan", "{}", "--assume-throughput", "100"],
    "cite": ["cite", "{}"],
    "data info": ["data", "info", "{}"],
    "data convert": ["data", "convert", "{}", "out.zip"],
    "evaluate": ["evaluate", "{}", "--samples", "2"],
    "evaluate --real": ["evaluate", "images", "--real", "{}", "--samples", "2", "--features", "embedded"],
    "sample": ["sample", "{}", "--count", "1"],
    "grid run": ["grid", "run", "{}", "--out", "grid", "--workers", "1"],
    "grid status": ["grid", "status", "{}"],
    "grid report": ["grid", "report", "{}", "--out", "report"],
    "grid clean": ["grid", "clean", "{}"],
    "runs list": ["runs", "list", "{}"],
    "runs diff": ["runs", "diff", "{}", "{}"],
}

pytestmark = pytest.mark.usefixtures("another_account")


@pytest.fixture(autouse=True)
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it shows that a plugin was executed; the working directory is empty but for the stranger's code."""
    monkeypatch.chdir(tmp_path)
    code = PLUGIN.format(marker=str(tmp_path / "executed"))
    for path in ("foreign/plugins/mine.py", "foreign/mine.py"):
        write(path, code)
    Path("link").symlink_to("foreign")
    write("own.yaml", {"extends": "foreign/config.yaml", "name": "own"})
    Path("images").mkdir()
    return tmp_path / "executed"


def call(*args: str) -> Result:
    return CliRunner().invoke(root, args)


NAMED = [(kind, path) for kind, (_, paths) in KINDS.items() for path in paths]
SAMPLE = {(kind, paths[i % len(paths)]) for i, (kind, (_, paths)) in enumerate(KINDS.items())}
"""Each kind by one of its paths; the slow tests name them all."""


@pytest.mark.parametrize(("kind", "path"), sampled(NAMED, SAMPLE))
def test_nothing_of_a_stranger_is_executed(kind: str, path: str, marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    KINDS[kind][0]()
    folder, _, path = path.rpartition(":")
    if folder:
        monkeypatch.chdir("foreign")
    for command, args in COMMANDS.items():
        call(*(arg.format(path) for arg in args))
        assert not marker.exists(), f"{command} {path}"


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        *((kind, ["validate", "own.yaml" if "ext" in kind else "foreign"]) for kind in list(KINDS)[:6]),
        ("run folder", ["train", "foreign", "--out", "here"]),
        ("run folder", ["data", "info", "foreign/config.yaml"]),
        ("run folder", ["cite", "foreign/config.yaml"]),
        ("grid folder", ["validate", "foreign/grid.yaml"]),
        ("grid folder", ["validate", "foreign/cells/a.yaml"]),
        ("grid folder", ["plan", "foreign/grid.yaml", "--assume-throughput", "100"]),
        ("grid of extending cells", ["validate", "foreign/grid.yaml"]),
        ("model", ["sample", "foreign", "--count", "1"]),
        ("model", ["evaluate", "foreign", "--features", "embedded", "--samples", "2"]),
        ("model that extends", ["sample", "foreign/model.safetensors", "--count", "1"]),
    ],
    ids=str,
)
def test_the_flag_is_named_and_obeyed(kind: str, args: list[str], marker: Path) -> None:
    KINDS[kind][0]()
    refused = call(*args)
    assert refused.exit_code != 0
    assert "--trust-local-plugins" in str(refused.exception)
    call(*args, "--trust-local-plugins")
    assert marker.exists()


@pytest.mark.parametrize("file", ["experiment.yaml", "a.yaml", "runs.yaml", "foreign/experiment.yaml"])
@pytest.mark.parametrize("beside", [None, "environment.json", "model.safetensors"])
def test_ones_own_file_needs_no_flag(file: str, beside: str | None, marker: Path) -> None:
    there = os.path.relpath("foreign/mine.py", Path(file).parent)
    write(file, experiment(plugins={"normalization": {"mine": f"{there}:Mine"}}))
    if beside:
        write(str(Path(file).with_name(beside)), "{}")
    assert call("validate", file).exit_code == 0
    assert marker.exists()


def test_an_extended_file_of_ones_own_needs_no_flag(marker: Path) -> None:
    write("foreign/base.yaml", experiment(plugins=BESIDE))
    write("top.yaml", {"extends": "foreign/base.yaml"})
    assert call("validate", "top.yaml").exit_code == 0
    assert marker.exists()


def test_in_python_the_same_file_decides(marker: Path) -> None:
    run_folder()
    with pytest.raises(ConfigError, match="--trust-local-plugins"):
        gancore.train("foreign/config.yaml", "here")
    with pytest.raises(ConfigError, match="--trust-local-plugins"):
        load_experiment({"extends": "foreign/config.yaml"})
    with pytest.raises(ConfigError, match="--trust-local-plugins"):
        load_experiment("foreign/config.yaml", ["plugins.normalization.mine=./plugins/mine.py:Mine"])
    assert not marker.exists()
    load_experiment(experiment(plugins={"normalization": {"mine": "foreign/mine.py:Mine"}}))
    assert marker.exists()


def test_what_was_trained_here_is_known_by_its_bytes(marker: Path, tmp_path: Path) -> None:
    write("own.yaml", experiment(plugins={"normalization": {"mine": "./foreign/mine.py:Mine"}}))
    assert call("train", "own.yaml", "--out", "run").exit_code == 0
    for args in (["train", "run"], ["validate", "run"], ["sample", "run", "--count", "1"]):
        assert call(*args).exit_code == 0
    Path("run").rename("elsewhere")
    assert call("validate", "elsewhere").exit_code == 0
    copy = Path("elsewhere/plugins/mine.py")
    copy.write_text(copy.read_text() + "# changed\n")
    refused = call("validate", "elsewhere")
    assert "--trust-local-plugins" in str(refused.exception)


def test_without_a_place_to_remember_the_flag_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a file").touch()
    monkeypatch.setenv("GANCORE_DATA", "a file")
    write("own.yaml", experiment(plugins={"normalization": {"mine": "./foreign/mine.py:Mine"}}))
    assert call("train", "own.yaml", "--out", "run").exit_code == 0
    assert "--trust-local-plugins" in str(call("train", "run").exception)
    assert call("train", "run", "--trust-local-plugins").exit_code == 0


@pytest.mark.slow
def test_a_grid_hands_its_decision_to_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has another data directory, as on another machine."""
    Path("a file").touch()
    monkeypatch.setenv("GANCORE_DATA", "a file")
    write("own.yaml", experiment(grid=GRID, plugins={"normalization": {"mine": "./foreign/mine.py:Mine"}}))
    result = call("grid", "run", "own.yaml", "--out", "grid", "--workers", "1")
    assert result.exit_code == 0, result.output


@dataclass
class Notes:
    """An executor that starts nothing."""

    threads: int = 1
    jobs: list[Job] = field(default_factory=list)

    def outcomes(self, jobs: Sequence[Job]) -> Generator[tuple[Job, Outcome] | None]:
        self.jobs += jobs
        yield from ((job, Outcome(None, stopped=True)) for job in jobs)


def test_the_jobs_of_a_grid_say_which_files_are_trusted() -> None:
    write("own.yaml", experiment(grid=GRID, plugins={"normalization": {"mine": "./foreign/mine.py:Mine"}}))
    with pytest.raises(RunFailed):
        run_grid(load_experiment("own.yaml"), Path("grid"), notes := Notes())
    assert [job.trusted for job in notes.jobs] == [(trust.digest(Path("foreign/mine.py").read_bytes()),)] * 2


def test_a_worker_trusts_only_what_it_was_handed(monkeypatch: pytest.MonkeyPatch, marker: Path) -> None:
    monkeypatch.setattr(trust, "_handed", set())
    monkeypatch.setattr(grid_cell, "_stop_when_closed", lambda: None)
    grid_folder()
    assert grid_cell.main("foreign/cells/a.yaml", "here", "lock", trust.digest(b"another file")) == 2
    assert not marker.exists()
    assert (
        grid_cell.main("foreign/cells/a.yaml", "here", "lock", trust.digest(Path("foreign/mine.py").read_bytes())) == 0
    )
    assert marker.exists()
    assert torch.isfinite(gancore.load("here")(torch.zeros(1, 8))).all()
