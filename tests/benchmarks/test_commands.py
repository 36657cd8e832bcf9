"""Each measurement runs in a tiny size and prints JSON that another program can read; no time is asserted."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

TINY = {
    "evaluate": ["--images", "4", "--features", "embedded"],
    "data": ["--images", "3", "--resolution", "16"],
    "scaling": ["--axes", "batch", "--values", "4"],
    "start": ["--only", "plugins"],
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCORE_CACHE", str(tmp_path))  # `data` names another: put back at the end


def printed(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("sys.argv", [name, *TINY[name], "--rounds", "1", "--json"])
    import_module(f"benchmarks.{name}").main()
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", TINY)
def test_json(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = printed(name, capsys, monkeypatch)
    assert found.pop("machine")["threads"] >= 1
    numbers = list(_numbers(found))
    assert numbers
    assert all(number >= 0 for number in numbers)


def test_stages_of_an_evaluation(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = printed("evaluate", capsys, monkeypatch)
    assert set(found["stages"]) == {
        "load", "generate", "resize", "features", "reals", "reals kept", "statistics", "distance"
    }  # fmt: skip
    assert found["commands"] is None
    assert "no such features" in found["no_contest"]


def test_median_and_spread() -> None:
    from benchmarks.measure import summary

    assert summary([3.0]) == {"median": 3.0, "spread": 0.0}
    assert summary([1.0, 2.0, 3.0, 4.0, 100.0]) == {"median": 3.0, "spread": 1.0}


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _numbers(one)
    elif isinstance(value, int | float):
        yield value
