"""Presets by name: in commands, after `extends:`, listed and shown."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gancore.cli import main
from gancore.config import load_experiment
from gancore.config.yaml.reader import parse
from gancore.errors import ConfigError
from gancore.presets import preset_names

Write = Callable[[str, str], Path]
EMOJI = ["-o", "data={use: emoji, resolution: 32}"]


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The one line that a refused command says."""
    assert main(args) == 2
    *notes, line = capsys.readouterr().err.splitlines()
    assert all(" dropped; " in note for note in notes)
    return line


def test_every_command_takes_a_preset_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "preset:dcgan", "--no-data"]) == 0
    assert parse(capsys.readouterr().out, "").data == load_experiment("preset:dcgan").to_dict()
    assert main(["cite", "preset:dcgan"]) == 0
    assert "arXiv:1511.06434" in capsys.readouterr().out
    assert main(["data", "info", "preset:dcgan", *EMOJI]) == 0
    assert "32x32" in capsys.readouterr().out
    assert main(["plan", "preset:dcgan", "--assume-throughput", "100", *EMOJI]) == 0
    small = (
        "-o generator.channels={base: 256, max: 8} -o discriminator.channels={base: 256, max: 8} -o training.batch=4"
    )
    options = [word for option in small.split("-o ")[1:] for word in ("-o", option.strip())]
    assert main(["train", "preset:dcgan", *EMOJI, *options, "-o", "training.kimg=0.004"]) == 0
    assert (tmp_path / "runs" / "dcgan" / "model.safetensors").is_file()


def test_relative_data_of_a_preset_are_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_experiment("preset:dcgan").base.resolve() == tmp_path
    line = refused(capsys, "train", "preset:dcgan")
    assert line == "preset:dcgan:14: data: lsun-bedroom: no such folder"


def test_a_file_extends_a_preset(write: Write) -> None:
    file = write("deep/mine.yaml", "extends: preset:stylegan2-F\nname: mine\nloss: hinge\n")
    mine, preset = load_experiment(file), load_experiment("preset:stylegan2-F")
    assert [str(found) for found in preset.differences(mine)] == [
        "name: stylegan2-F -> mine",
        "loss.use: non_saturating -> hinge",
    ]
    assert mine.base == file.parent
    grid = write("grid.yaml", "data: emoji\ngrid: {axes: {extends: ['preset:dcgan', 'preset:lsgan']}}\n")
    assert main(["validate", str(grid), "-o", "data.resolution=64", "--no-data"]) == 0


def test_notes_and_mistakes_have_their_places() -> None:
    notes = load_experiment("preset:dcgan", ["generator.use=skip"]).dropped
    assert notes[0] == "preset:dcgan:19: generator.latent: dropped; generator 'skip' has no such option"
    with pytest.raises(ConfigError, match=r"^-o training.batch=x: training.batch: expected a whole number"):
        load_experiment("preset:dcgan", ["training.batch=x"])


@pytest.mark.parametrize("command", [["train"], ["validate"], ["plan"], ["cite"], ["grid", "run"], ["data", "info"]])
def test_an_unknown_preset_is_one_line_with_the_nearest_names(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, *command, "preset:stylegan2-G")
    assert line.startswith("preset:stylegan2-G: there is no preset 'stylegan2-G'; did you mean 'stylegan2-")
    assert line.endswith("? `gancore presets list` has all")
    assert refused(capsys, *command, "preset:../dcgan").count("did you mean 'dcgan'")
    assert refused(capsys, *command, "preset:") == "preset:: there is no preset ''; `gancore presets list` has all"


def test_an_unknown_preset_after_extends_has_its_line(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.yaml", "data: emoji\nextends: preset:dcgn\n")
    assert refused(capsys, "validate", "a.yaml").startswith(
        "a.yaml:2: extends: there is no preset 'dcgn'; did you mean"
    )
    write("b.yaml", "data: emoji\ngrid: {axes: {extends: [preset:dcgn]}}\n")
    assert "b.yaml:2: extends: there is no preset 'dcgn'" in refused(capsys, "validate", "b.yaml")


def test_a_file_that_is_not_there_may_have_been_meant_otherwise(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("my-ffhq256.yaml", "data: emoji\n")
    write("b.yaml", "extends: my-ffhq.yaml\n")
    assert refused(capsys, "validate", "dcgan") == "dcgan: there is no such file; did you mean preset:dcgan?"
    assert refused(capsys, "train", "my-fhq.yaml") == (
        "my-fhq.yaml: there is no such file; did you mean 'my-ffhq256.yaml'?"
    )
    assert refused(capsys, "validate", "b.yaml") == (
        "b.yaml:1: extends: there is no file my-ffhq.yaml; did you mean 'my-ffhq256.yaml'?"
    )


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "list"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["preset", "paper", "images", "data", "G", "D"]
    assert [row.split()[0] for row in rows] == preset_names()
    assert max(map(len, rows)) <= 120
    (row,) = [row for row in rows if row.startswith("stylegan2-F ")]
    assert " ".join(row.split()) == "stylegan2-F arXiv:1912.04958 1024x1024x3 folder ffhq-1024 30.4 M 29.0 M"
    assert main(["presets", "list", "--json"]) == 0
    told = {preset["name"]: preset for preset in json.loads(capsys.readouterr().out)}
    assert told["stylegan2-ada"]["labels"] is True
    for name, preset in told.items():
        core = load_experiment(f"preset:{name}").data.core
        assert [preset["resolution"], preset["channels"], preset["labels"]] == [
            core.resolution,
            core.channels,
            core.labels,
        ]


def test_show(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "show", "stylegan2-F"]) == 0
    text = capsys.readouterr().out
    assert load_experiment(write("stylegan2-F.yaml", text)) == load_experiment("preset:stylegan2-F")
    assert main(["presets", "show", "stylegan2-F", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["text"], told["paper"]) == (text, "arXiv:1912.04958")
    assert "did you mean 'dcgan'" in refused(capsys, "presets", "show", "dcgam")


def test_a_try_without_the_weights_of_its_evaluation_is_told_what_to_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANCORE_INCEPTION_WEIGHTS", "nowhere.pth")
    small = ["-o", "data.labels=false", "-o", "generator.channels={base: 64, max: 8}", "-o", "training.device=cpu"]
    line = refused(capsys, "train", "preset:stylegan2-ada", *EMOJI, *small)
    assert "nowhere.pth" in line
    assert line.endswith("; or train without evaluation: -o evaluation=null")
    assert not (tmp_path / "runs").exists()
