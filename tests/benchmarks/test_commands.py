"""Each measurement runs in a tiny size and prints JSON that another program can read; no time is asserted."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

TINY = {
    "evaluate": ["--images", "4", "--features", "embedded"],
    "data": ["--images", "16", "--resolution", "16"],
    "on_the_fly": ["--images", "20", "--use", "zip"],
    "scaling": ["--axes", "batch", "--values", "4"],
    "start": ["--only", "plugins"],
    "modulation": ["--resolutions", "4", "--device", "cpu"],
}

LONG = ("data", "on_the_fly")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCORE_CACHE", str(tmp_path))  # `data` names another: put back at the end


def printed(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr("sys.argv", [name, *TINY[name], "--rounds", "1", "--json"])
    import_module(f"benchmarks.{name}").main()
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in ("data", "on_the_fly") else n for n in TINY]
)
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


REFUSED = [
    ("train_step", ["--rounds", "0"], "'0' is not a whole number from 1 on"),
    ("train_step", ["--resolution", "33"], "resolution 33 is not a power of two"),
    ("train_step", ["--normalization", "nope"], "normalization 'nope' is unknown"),
    ("train_step", ["--yaml", "nope.yaml"], "nope.yaml: there is no such file"),
    ("train_step", ["--yaml", "nope.yaml", "--normalization", "pin"], "not with --yaml"),
    ("train_step", ["--peer", "stylegan3=nope"], "nope is no checkout of stylegan3"),
    ("scaling", ["--axes", "batch", "--values", "4", "-3"], "'-3' is not a whole number"),
    ("scaling", ["--axes", "batch", "resolution", "--values", "5"], "resolution 5 is not a power of two"),
    ("start", ["--yaml", "nope.yaml"], "nope.yaml: there is no such file"),
    ("start", ["--yaml", "experiments/demo.yaml"], "is a grid, which cannot be trained for a sample"),
    ("modulation", ["--resolutions", "100000"], "invalid choice: 100000"),
    ("train_step", ["--resolution", "4"], "4 is below 8"),
    ("data", ["--images", "0"], "'0' is not a whole number from 1 on"),
    ("data", ["--images", "15"], "15 do not fill a batch of 16"),
    ("data", ["--resolution", "33"], "resolution 33 is not a power of two"),
    ("evaluate", ["--images", "1"], "at least 2"),
    ("compile", ["--yaml", "nope.yaml"], "nope.yaml"),
]


@pytest.mark.parametrize(("name", "options", "why"), REFUSED)
def test_what_cannot_be_measured_is_refused_before_anything_is(
    name: str, options: list[str], why: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [name, *options])
    monkeypatch.setattr("subprocess.Popen", _started)
    monkeypatch.setattr("torch.nn.Module.__init__", _started)
    with pytest.raises(SystemExit) as ended:
        import_module(f"benchmarks.{name}").main()
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def _started(*_: object, **__: object) -> None:
    raise AssertionError("work was started")


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _numbers(one)
    elif isinstance(value, int | float):
        yield value
