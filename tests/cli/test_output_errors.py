"""Output that cannot be written is told in a line; closed streams are no reason to fail."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.killing import command_without, start
from support.tiny import quick_experiment

from gancore import cli

pytestmark = pytest.mark.xdist_group("processes")  # one worker has a server to fork them from

GANCORE = [sys.executable, "-m", "gancore.cli"]


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.yaml"
    file.write_text(quick_experiment(training__kimg=0.008).to_yaml())
    return file


def run(*args: str | Path) -> int:
    return cli.main(list(map(str, args)))


@pytest.mark.parametrize("out", ["{tmp}/file/run", "/dev/null/x", "{tmp}/" + 300 * "n"], ids=["file", "null", "long"])
def test_a_run_folder_that_cannot_be_made_is_told_in_a_line(experiment: Path, tmp_path: Path, capsys, out: str):
    (tmp_path / "file").write_text("")
    out = out.format(tmp=tmp_path)
    assert run("train", experiment, "--out", out) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert out in told[0]


def test_a_reason_names_the_file_and_not_its_temporary():
    error = PermissionError(13, "Permission denied", "/there/a.png.tmp")
    assert cli._reason(error) == "/there/a.png: Permission denied"
    assert cli._reason(OSError(28, "No space left on device")) == "No space left on device"


@pytest.mark.parametrize("command", [("schema", "-o"), ("import", "none", "-o")])
def test_a_folder_is_no_file_to_write(tmp_path: Path, capsys, command: tuple[str, ...]):
    assert run(*command, tmp_path) == 2
    assert "is a directory" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_told_in_a_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run([*GANCORE, "plugins", "list"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "No space left on device\n")


@pytest.mark.parametrize("descriptor", [1, 2], ids=["stdout", "stderr"])
def test_a_stream_that_is_closed_is_not_missed(experiment: Path, tmp_path: Path, descriptor: int):
    errors = tmp_path / "errors.txt"
    arguments = ["train", str(experiment), "--out", str(tmp_path / "run")]
    process = start(command_without, descriptor, arguments, errors=errors)
    process.join()
    assert process.exitcode == 0, errors.read_text()
    assert (tmp_path / "run/model.safetensors").is_file()
    assert "Traceback" not in errors.read_text()
