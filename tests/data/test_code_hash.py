"""The hash of a plugin's code changes with every module that the code is in, and with no other."""

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.planted import planted

from gancore.contracts import Feature
from gancore.data import code_hash as hashing
from gancore.data.code_hash import code_hash, modules_of
from gancore.discovery import discover

FILES = {
    "theirs/__init__.py": "",
    "theirs/feature.py": "from gancore.contracts import Feature\nfrom theirs.networks import Small\n"
    "class Planted(Feature):\n    def prepare(self, device):\n        from .late import build\n",
    "theirs/networks/__init__.py": "from .small import Small\n",
    "theirs/networks/small.py": "import theirs.constants\nfrom ..far import FAR\nclass Small: pass\n",
    "theirs/constants.py": "ONE = 1\n",
    "theirs/far.py": "FAR = 1\n",
    "theirs/late.py": "def build(): pass\n",
    "theirs/unrelated.py": "TWO = 2\n",
}
USED = FILES.keys() - {"theirs/__init__.py", "theirs/unrelated.py"}


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[type[Feature]]:
    with planted(tmp_path, FILES, "theirs.feature") as module:
        yield module.Planted


@pytest.mark.parametrize("name", FILES)
def test_every_module_that_is_used_counts(plugin: type[Feature], tmp_path: Path, name: str) -> None:
    before = code_hash(plugin)
    assert code_hash(plugin) == before
    with (tmp_path / name).open("a") as file:
        file.write("# changed\n")
    assert (code_hash(plugin) != before) == (name in USED)


def test_a_file_that_is_being_edited_counts_as_it_is(plugin: type[Feature], tmp_path: Path) -> None:
    before = code_hash(plugin)
    (tmp_path / "theirs/constants.py").write_text("def (")
    assert code_hash(plugin) != before


@pytest.mark.parametrize("kind", ["feature", "dataset"])
def test_no_module_of_gancore_that_a_plugin_uses_is_forgotten(kind: str) -> None:
    """By another way than import statements: what stands in the plugin's module was made somewhere."""
    for spec in discover().specs(kind):
        plugin = spec.load()
        module = importlib.import_module(plugin.__module__)
        used = {getattr(value, "__module__", None) or "" for value in vars(module).values()}
        assert {name for name in used if name.startswith("gancore")} <= set(modules_of(plugin)), spec.name


@pytest.mark.parametrize(
    "network", ["gancore.evaluation.inception", "gancore.nn.pretrained", "gancore.evaluation.from_file"]
)
def test_a_change_of_the_network_is_a_change_of_inception(
    network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inception = discover().get("feature", "inception").load()
    before, find = code_hash(inception), hashing._file
    changed = tmp_path / "changed.py"
    changed.write_bytes((find(network) or tmp_path).read_bytes() + b"\nEPSILON = 2e-3\n")
    monkeypatch.setattr(hashing, "_file", lambda name: changed if name == network else find(name))
    assert code_hash(inception) != before
