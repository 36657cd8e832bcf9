"""The checks of a GPU: verdicts, none of which stops the others, and results of several calls in one file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu_check import __main__ as program
from benchmarks.gpu_check.check import Check, Found, Place, Skipped, result_of


def raising(error: Exception) -> Callable[[Place], Found]:
    def run(place: Place) -> Found:
        raise error

    return run


MADE = {
    1: Check(1, "a", "holds", lambda place: Found(True, "3")),
    2: Check(1, "b", "holds", raising(RuntimeError("CUDA error: |x|\nmore"))),
    3: Check(1, "c", "holds", raising(Skipped("it needs a GPU"))),
    4: Check(1, "d", "holds", lambda place: Found(True, "5", "half of it")),
    5: Check(1, "e", "holds", lambda place: Found(False, "9")),
    6: Check(1, "f", "holds", raising(ModuleNotFoundError("no", name="scipy"))),
}
VERDICTS = ["PASS", "FAIL", "SKIPPED", "INCOMPLETE", "FAIL", "SKIPPED"]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command with made-up checks; returns its exit code."""
    monkeypatch.setattr(program, "CHECKS", MADE)

    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["gpu_check", *arguments])
        with pytest.raises(SystemExit) as ended:
            program.main()
        return int(ended.value.code or 0)

    return run


def test_every_check_has_a_verdict(call: Callable[..., int], tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    assert call("--only", "1-6", "--json", str(file)) == 1
    found: dict[str, Any] = json.loads(file.read_text())
    assert [one["verdict"] for one in found.values()] == VERDICTS
    assert found["2"]["reason"] == "RuntimeError: CUDA error: |x|"
    assert found["6"]["reason"] == "the package scipy is missing"


def test_calls_come_together(call: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "results.json")
    assert call("--only", "4", "--json", file) == 0
    assert call("--only", "1,3", "--json", file) == 0
    assert list(json.loads(Path(file).read_text())) == ["1", "3", "4"]
    capsys.readouterr()
    table = program.page(json.loads(Path(file).read_text()))
    assert "| 1 a | PASS | 3 | holds | no GPU |" in table
    assert "| 4 d | INCOMPLETE | 5; half of it |" in table


@pytest.mark.parametrize("text", ["0", "7", "2-", "a", "", "1-2-3", "5-3"])
def test_wrong_numbers_are_refused(text: str, call: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--only", text) == 2
    assert "checks are 1 to 6" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", "{", '{"x": 1}', '{"1": 3}', '{"99": {"verdict": "PASS"}}'])
def test_a_file_of_something_else_is_left_alone(text: str, call: Callable[..., int], tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(text)
    assert call("--only", "1", "--json", str(file)) == 2
    assert file.read_text() == text


def test_the_shipped_checks(tmp_path: Path) -> None:
    """Checks that need a GPU are skipped with that reason; the others say what the CPU showed."""
    place = Place(torch.device("cpu"), tmp_path)
    assert list(program.CHECKS) == list(range(1, 14))
    for number in (7, 8, 9, 12, 13):
        result = result_of(program.CHECKS[number], place)
        assert (result.verdict, result.reason) == ("SKIPPED", "it needs a GPU")
    result = result_of(program.CHECKS[5], place)
    assert (result.verdict, result.number[:2]) == ("INCOMPLETE", "0 "), result


@pytest.mark.slow
def test_what_runs_without_a_gpu(tmp_path: Path) -> None:
    for number, check in program.CHECKS.items():
        (tmp_path / str(number)).mkdir()
        result = result_of(check, Place(torch.device("cpu"), tmp_path / str(number)))
        assert result.verdict in ("PASS", "INCOMPLETE", "SKIPPED"), result
