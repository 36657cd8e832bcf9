"""`gancore plugins new KIND NAME --package`: what it writes installs, passes its tests, and trains as written."""

import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.distributions import write_dist_info

from gancore import cli
from gancore.cli.plugin_skeletons import COMMANDS, USES, kind_of
from gancore.config import load_experiment
from gancore.discovery import discover
from gancore.grid.cells import cells_of
from gancore.grid.comparison import BASE, COMPARISONS, merged

NAME = "made_here"
SHORT = ["-o", "training.kimg=0.032", "-o", "training.batch=8", "-o", "evaluation=null"]
each_kind = pytest.mark.parametrize("kind", [*USES, *COMMANDS])


def run(*args: str | Path) -> int:
    return cli.main(list(map(str, args)))


@pytest.fixture
def package(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new distribution, as pip would have installed it."""
    assert run("plugins", "new", kind, NAME, "--package", "--dir", tmp_path) == 0
    root = tmp_path / "gancore-made-here"
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    [(entry, value)] = project["entry-points"]["gancore"].items()
    (tmp_path / "site").mkdir()
    write_dist_info(tmp_path / "site", project["name"], project["version"], f"[gancore]\n{entry} = {value}\n")
    monkeypatch.syspath_prepend(root)
    monkeypatch.syspath_prepend(tmp_path / "site")
    discover.cache_clear()
    yield root
    discover.cache_clear()
    for module in [module for module in sys.modules if module.startswith(f"gancore_{NAME}")]:
        del sys.modules[module]


def test_every_kind_that_trains_can_be_compared() -> None:
    assert set(USES) <= set(COMPARISONS)


@each_kind
def test_its_files_agree_with_each_other(package: Path, kind: str) -> None:
    text = "\n".join(path.read_text() for path in package.rglob("*") if path.is_file())
    assert "keleton" not in text
    assert "$" not in text
    spec = discover().get(kind_of(kind), NAME)
    assert spec.distribution == "gancore-made-here"
    assert spec.load().__name__ == "MadeHere"
    assert (package / "experiment.yaml").is_file() == (kind in COMPARISONS)


@pytest.mark.parametrize("kind", USES)
def test_its_experiment_and_its_grid_are_valid_and_have_it(package: Path, kind: str) -> None:
    alone = load_experiment(package / "experiment.yaml")
    assert NAME in [part.use for part in alone.parts()]
    cells = [cell.experiment for cell in cells_of(load_experiment(package / "grid.yaml"))]
    chosen = [{part.use for part in cell.parts()} for cell in cells]
    assert any(NAME in names for names in chosen)
    beside = set(COMPARISONS[kind].beside)
    assert beside <= set().union(*chosen)
    together = COMPARISONS[kind].together
    assert all((names >= beside) == together for names in chosen if NAME in names)


@pytest.mark.parametrize("kind", ["generator"])
def test_it_passes_its_tests_and_trains(package: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace: dict[str, object] = {}
    exec(compile((package / f"tests/test_{NAME}.py").read_text(), "test", "exec"), namespace)
    for test in [value for name, value in namespace.items() if name.startswith("test_")]:
        test()  # type: ignore[operator]
    monkeypatch.chdir(package)
    assert run("train", "experiment.yaml", *SHORT, "-o", "generator.width=8") == 0
    assert (package / "runs/made-here/model.safetensors").is_file()


@pytest.mark.slow
@each_kind
def test_pip_installs_it_and_it_passes_and_trains_as_written(tmp_path: Path, kind: str) -> None:
    run("plugins", "new", kind, NAME, "--package", "--dir", tmp_path)
    root = tmp_path / "gancore-made-here"
    venv.create(tmp_path / "env", with_pip=False)
    python = str(tmp_path / "env" / "bin" / "python")
    [packages] = (tmp_path / "env").glob("lib/*/site-packages")
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "ours.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in ours))
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-e", str(root)], check=True)
    subprocess.run([python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"], check=True, cwd=root)
    if kind in COMPARISONS:
        short = ["-o", "training.kimg=0.064", "-o", "evaluation.samples=32"]
        subprocess.run([python, "-P", "-m", "gancore", "train", "experiment.yaml", *short], check=True, cwd=root)
        grid = ["grid", "run", "grid.yaml", *short, "-o", "training.batch=8"]
        subprocess.run([python, "-P", "-m", "gancore", *grid], check=True, cwd=root)


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gancore-mine").mkdir()
    assert run("plugins", "new", "loss", "mine", "--package", "--dir", tmp_path) == 2
    assert list((tmp_path / "gancore-mine").iterdir()) == []
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["Mine", "hinge", "class", "plugins", "../mine"])
def test_a_bad_name_writes_nothing(tmp_path: Path, name: str) -> None:
    assert run("plugins", "new", "loss", name, "--package", "--dir", tmp_path) == 2
    assert list(tmp_path.iterdir()) == []


def test_options_of_another_plugin_are_not_merged() -> None:
    changed = merged(BASE, {"generator": {"use": "other"}, "training": {"kimg": 1}})
    assert changed["generator"] == {"use": "other"}
    assert changed["training"] == {**BASE["training"], "kimg": 1}
    assert yaml.safe_dump(BASE)  # and nothing of BASE was changed
    assert BASE["generator"]["use"] == "skip"
