"""What packaging files say of one another."""

import re
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from gancore.version import __version__
from scripts import supply

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINNED = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
WANTED = [*PROJECT["dependencies"], *(name for extra in PROJECT["optional-dependencies"].values() for name in extra)]


def canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~; \[]", requirement)[0]).lower()


@pytest.mark.parametrize("requirement", WANTED)
def test_every_dependency_has_a_tested_version(requirement: str):
    assert canonical(requirement) in map(canonical, PINNED)


FOLDERS = [folder for top in ("gancore", "plugins") for folder in [ROOT / top, *(ROOT / top).rglob("*/")]]


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder.name != "__pycache__"])
def test_every_folder_with_code_is_a_package(folder: Path):
    """A folder without __init__.py would be left out of the wheel without a word."""
    assert (folder / "__init__.py").exists()


def test_every_data_file_goes_into_the_wheel():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    data = [file for file in (ROOT / "gancore").rglob("*.*") if file.is_file() and file.suffix not in (".py", ".pyc")]
    assert data
    for file in data:
        package = ".".join(file.parent.relative_to(ROOT).parts)
        assert any(file.match(pattern) for pattern in declared[package]), file


def test_one_version_everywhere():
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert __version__ in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("build") is None, reason="needs the package build, which `make supply` installs")
def test_two_builds_are_equal_and_hold_no_pickles(tmp_path: Path):
    """`make supply` also checks what a release looks like, and known flaws."""
    first, second = (supply.built(tmp_path / name) for name in ("first", "second"))
    assert [file.suffix for file in first] == [".whl", ".gz"]
    assert list(supply.differences(first, second)) == []
    assert [line for file in first for line in supply.unwanted(file)] == []


def test_pickles_and_golden_files_are_noticed(tmp_path: Path):
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name in ("x/good.py", "x/bad.pkl", "tests/golden/c01.json"):
            file.writestr(name, "")
    assert list(supply.unwanted(wheel)) == ["x.whl: holds x/bad.pkl", "x.whl: holds tests/golden/c01.json"]
