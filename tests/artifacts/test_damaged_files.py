"""Files of runs and grids that were damaged, or made by somebody else: one line each, and everything else goes on."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.made_up_grids import made_up
from support.small import sampled
from support.tiny import quick_experiment

from gancore.artifacts import RunFolder
from gancore.artifacts.reading import LARGEST, read_bytes
from gancore.artifacts.tensors import load_tensors, save_tensors
from gancore.cli import main
from gancore.errors import RunError
from gancore.training import train


def text(content: str | bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content.encode())


def instead(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


ANY: dict[str, Callable[[Path], object]] = {
    "empty": text(""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "null": text("null"),
    "list": text("[1]"),
    "number": text("5"),
    "word": text('"word"'),
    "deep": text('{"a": ' * 100_000),
    "deep list": text("[" * 100_000),
    "huge number": text('{"step": 1' + "0" * 5000 + "}"),
    "not UTF-8": text(b'{"name": "\xff\xfe"}'),
    "NUL": text(b"\0" * 100),
    "FIFO": instead(os.mkfifo),
    "folder": instead(Path.mkdir),
}
"""Damage of any file."""


def changed(**fields: Any) -> Callable[[Path], object]:
    """A JSON file, or the last line of a JSON-lines file, with other fields; None removes one."""

    def damage(path: Path) -> None:
        *lines, last = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        record = {key: value for key, value in {**json.loads(last), **fields}.items() if value != "remove"}
        path.write_text("\n".join([*lines, json.dumps(record)]) + "\n")

    return damage


SCORE = {"name": "fid", "value": 3.0}
FILES: dict[str, dict[str, Callable[[Path], object]]] = {
    "seed=0.json": {
        "another cell's": changed(name="seed=1"),
        "a state that is none": changed(state="finished"),
        "attempts in words": changed(attempts="two"),
        "seconds as a list": changed(seconds=[1]),
        "labels as a list": changed(labels=[1]),
        "labels as numbers": changed(labels={"training.seed": 5}),
        "parameters as text": changed(parameters="many"),
        "no kimg": changed(kimg=None),
        "unknown field": changed(mood="good"),
        "a rule that is none": changed(rule={"metric": 5}),
    },
    "seed=0/environment.json": {
        "threads in words": changed(threads="two"),
        "plugins as a list": changed(plugins=["a"]),
        "data as text": changed(data="images"),
        "torch as a number": changed(torch=2.13),
    },
    "seed=0/log.jsonl": {
        "step in words": changed(step="one"),
        "no step": changed(step="remove"),
        "step as a list": changed(step=[1]),
        "kimg null": changed(kimg=None),
        "kimg infinite": changed(kimg=float("inf")),
        "speed in words": changed(images_per_s="fast"),
    },
    "seed=0/metrics.jsonl": {
        "no scores": changed(scores="remove"),
        "scores as a number": changed(scores=5),
        "a score without a name": changed(scores=[{"value": 1}]),
        "a name that is a number": changed(scores=[{**SCORE, "name": 5}]),
        "a value in words": changed(scores=[{**SCORE, "value": "good"}]),
        "no value": changed(scores=[{"name": "fid"}]),
        "data as text": changed(scores=[{**SCORE, "data": "images"}]),
        "samples in words": changed(scores=[{**SCORE, "samples": "many"}]),
        "kimg in words": changed(kimg="far"),
    },
    "seed=0/config.yaml": {"broken": text("a: ["), "training as a list": text("training: [1]\n")},
}


EVERY = [(file, kind) for file, own in FILES.items() for kind in (*ANY, *own)]
SAMPLE = {(file, kind) for file, kind in EVERY if kind in FILES[file]} | {
    (list(FILES)[i % len(FILES)], kind) for i, kind in enumerate(ANY)
}
"""Damage of any file on one of them in turn; the slow tests have it on each."""


@pytest.mark.parametrize(("file", "kind"), sampled(EVERY, SAMPLE))
def test_nothing_that_looks_at_folders_stops(
    file: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if (kind, file) in (("empty", "seed=0/log.jsonl"), ("empty", "seed=0/metrics.jsonl")):
        return  # no lines yet
    about = {
        "state": "done", "at": 3, "fid": [9.0, 8.0], "config": {"name": "a", "training": {"kimg": 10, "threads": 1}},
        "environment": {"torch": "2.13", "threads": 1, "plugins": {"loss.hinge": "gancore 1"}, "data": {"count": 5}},
    }  # fmt: skip
    folder = made_up(tmp_path / "grid", {"seeds": [0, 1], "enough_kimg": 0}, {"seed=0": about, "seed=1": about})
    (FILES[file] | ANY)[kind](folder.cells / file)
    outputs = {}
    for command in (["grid", "status"], ["grid", "report"], ["grid", "clean"], ["runs", "list"]):
        code = main([*command, str(folder.path), *(["--json"] if command[1] != "report" else [])])
        said = capsys.readouterr()
        assert (code, "Traceback" in said.err) == (0, False), (command, said.err)
        outputs[command[1]] = said.out
    results = json.loads((folder.path / "report" / "results.json").read_text())
    damaged, sound = results["cells"]
    assert (sound["state"], sound["damage"], sound["final"]["fid"]["value"]) == ("done", [], 8.0)
    listed = {Path(run["run"]).name: run for run in json.loads(outputs["list"])}
    told = [*damaged["damage"], str(damaged["reason"] or ""), *listed.get("seed=0", {}).get("damage", [])]
    assert Path(file).name in " ".join(told), told
    assert all("\n" not in line for line in told)
    assert listed["seed=1"]["damage"] == []
    assert json.loads(outputs["status"])["cells"][1]["state"] == "done"


def test_what_is_only_named_like_a_checkpoint_is_none(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for name in ("checkpoint-abc", "checkpoint-", "checkpoint-000000.064", "checkpoint-1000000.000"):
        (tmp_path / f"{name}.safetensors").touch()
    assert [path.stem for path in run.checkpoints()] == ["checkpoint-1000000.000", "checkpoint-000000.064"]
    assert run.saved_kimg() == 1e6


@pytest.mark.parametrize("kind", [kind for kind in ANY if kind not in ("FIFO", "folder")])
def test_damaged_lines_of_logs_are_cut(tmp_path: Path, kind: str) -> None:
    run, good = RunFolder(tmp_path), '{"step": 3, "kimg": 0.5}\n'
    for path in (run.log, run.metrics):
        path.write_text(good)
        ANY[kind](path)
        path.write_bytes(good.encode() + path.read_bytes() + b'\n{"step": 9}\n{"step": "one"}\n' + good.encode())
    run.cut_logs(5)
    assert run.log.read_text() == run.metrics.read_text() == good * 2


def test_a_log_that_is_no_file_is_told_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log.jsonl")
    with pytest.raises(RunError, match=r"log\.jsonl: cannot be read: not a regular file"):
        RunFolder(tmp_path).cut_logs(5)


def test_nothing_too_large_is_read(tmp_path: Path) -> None:
    with (tmp_path / "log.jsonl").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(RunError, match=r"log\.jsonl: cannot be read: larger than 256 MiB"):
        read_bytes(tmp_path / "log.jsonl")


SHORT = {"training__kimg": 0.032, "training__sample_kimg": 1, "training__keep_checkpoints": 3}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(quick_experiment(**SHORT), tmp_path_factory.mktemp("run") / "run").path


def test_a_sound_file_of_another_kind_is_no_checkpoint(trained: Path, tmp_path: Path) -> None:
    """A model under a checkpoint's name: the older checkpoint is taken, and the file is set aside."""
    run = RunFolder(shutil.copytree(trained, tmp_path / "run"))
    newest, older = run.checkpoints()
    shutil.copy(run.model, newest)
    found = run.newest_checkpoint()
    assert found is not None
    assert (found.path, list(found.damaged)) == (older, [newest])
    assert "a model, not a checkpoint" in found.damaged[newest]
    train(quick_experiment(**SHORT), run.path)
    assert load_tensors(newest)[1]["kind"] == "checkpoint"


@pytest.mark.parametrize("earlier", [False, True], ids=["", "earlier version"])
def test_a_checkpoint_of_other_networks_is_set_aside(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], earlier: bool
) -> None:
    run = RunFolder(shutil.copytree(trained, tmp_path / "run"))
    newest, older = run.checkpoints()
    other = train(quick_experiment(**SHORT, discriminator={"use": "mlp", "hidden": [4]}), tmp_path / "other")
    tensors, about = load_tensors(other.checkpoints()[0])
    save_tensors(newest, tensors, {key: value for key, value in about.items() if not earlier or key != "identity"})
    train(quick_experiment(**SHORT), run.path)
    said = capsys.readouterr().err
    what = (
        "other networks: discriminator: " if earlier else "another experiment (there -> here): discriminator.hidden: "
    )
    assert f"{newest}: a checkpoint of {what}" in said
    assert f"continuing from {older}" in said
    assert (run.path / f"set-aside-{newest.name}").exists()


@pytest.mark.parametrize(
    "about", [{"counters": "none"}, {"threads": 0}, {"stage": "far"}, {"counters": {"step": "one", "nimg": 8}}]
)
def test_a_checkpoint_of_which_nothing_is_known_is_none(trained: Path, tmp_path: Path, about: dict[str, Any]) -> None:
    run = RunFolder(shutil.copytree(trained, tmp_path / "run"))
    newest, older = run.checkpoints()
    tensors, before = load_tensors(older)
    save_tensors(newest, tensors, {**before, **about})
    found = run.newest_checkpoint()
    assert found is not None
    assert (found.path, "not a whole checkpoint" in found.damaged[newest]) == (older, True)


@pytest.mark.parametrize("content", ["a: [", "5\n", "- a\n", "training: 3\n"])
def test_a_run_with_a_damaged_configuration_is_told(
    trained: Path, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(shutil.copytree(trained, tmp_path / "run"))
    experiment = tmp_path / "experiment.yaml"
    experiment.write_text(run.config.read_text())
    run.config.write_text(content)
    assert main(["train", str(experiment), "--out", str(run)]) == 2
    said = capsys.readouterr().err
    assert str(run.path) in said
    assert "Traceback" not in said
    assert run.config.read_text() == content


def test_a_damaged_model_of_a_finished_run_is_written_again(trained: Path, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(trained, tmp_path / "run"))
    whole = load_tensors(RunFolder(trained).model)[0]
    content = bytearray(run.model.read_bytes())
    content[-3] ^= 1
    run.model.write_bytes(content)
    train(quick_experiment(**SHORT), run.path)
    assert all((load_tensors(run.model)[0][name] == tensor).all() for name, tensor in whole.items())


def test_equal_contents_are_equal_bytes(tmp_path: Path) -> None:
    """The library writes the header's descriptions in random order: twelve files would hardly be equal."""
    tensors = {"weight": torch.arange(5.0), "größe": torch.ones(2, dtype=torch.int64)}
    about = {"text": 'é\t\\ "quoted" \x01 \u2028 \x7f', "step": 3}
    for number in range(12):
        save_tensors(tmp_path / f"{number}.safetensors", tensors, about)
    assert len({(tmp_path / f"{number}.safetensors").read_bytes() for number in range(12)}) == 1
    found, description = load_tensors(tmp_path / "0.safetensors")
    assert {key: description[key] for key in about} == about
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
