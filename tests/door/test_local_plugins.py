"""Plugins from a file beside the experiment."""

import hashlib
import inspect
import linecache
import pickle
import sys
from pathlib import Path

import pytest

from gancore.discovery import discover
from gancore.errors import PluginError
from gancore.local_plugins import copy_into, load_local, same_code

CODE = '''"""A loss."""
from gancore.contracts import Loss


class Mine(Loss):
    """Ours."""

    marker = "{marker}"
'''


@pytest.fixture
def folder(tmp_path: Path):
    """A folder with an experiment's plugin file; modules made from it are forgotten afterwards."""
    (tmp_path / "mine.py").write_text(CODE.format(marker=tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("gancore_local_")]:
        linecache.cache.pop(sys.modules.pop(name).__file__, None)


def load_one(folder: Path, target: str = "./mine.py:Mine", trusted: bool = True):
    [spec] = load_local({"loss": {"mine": target}}, folder, requested=trusted)
    return spec


def test_the_file_is_the_plugin(folder: Path):
    spec = load_one(folder)
    assert (spec.kind, spec.name, spec.distribution) == ("loss", "mine", "local")
    assert spec.version == hashlib.sha256((folder / "mine.py").read_bytes()).hexdigest()[:12]
    assert spec.load().marker == str(folder)
    assert discover().with_local([spec]).get("loss", "mine") is spec


def test_pickle_and_inspect_find_the_class(folder: Path):
    plugin = load_one(folder).load()
    assert pickle.loads(pickle.dumps(plugin)) is plugin
    assert "class Mine(Loss)" in inspect.getsource(plugin)


def test_what_was_read_is_what_counts_though_the_file_is_edited(folder: Path):
    spec = load_one(folder)
    (folder / "mine.py").write_text("raise RuntimeError")
    assert spec.load().marker == str(folder)
    assert copy_into([spec], folder / "run") == {"loss": {"mine": "./plugins/mine.py:Mine"}}
    assert (folder / "run/plugins/mine.py").read_bytes() == spec.source
    assert load_one(folder).version != spec.version


def test_one_file_is_executed_once_for_all_its_plugins(folder: Path):
    text = (folder / "mine.py").read_text()
    (folder / "mine.py").write_text(text + "class Other(Mine): ...")
    mine, other = load_local({"loss": {"mine": "mine.py:Mine", "other": "mine.py:Other"}}, folder, requested=True)
    assert issubclass(other.load(), mine.load())


def test_a_copy_loads_from_the_run_folder(folder: Path):
    run = folder / "run"
    section = copy_into([load_one(folder)], run)
    (folder / "mine.py").unlink()
    [again] = load_local(section, run, requested=True)
    assert again.load().marker == str(folder)
    assert copy_into([again], run) == section  # a resumed run copies onto itself


def test_files_of_one_name_are_kept_apart(folder: Path):
    (folder / "b").mkdir()
    (folder / "b/mine.py").write_text(CODE.format(marker="b"))
    specs = load_local({"loss": {"a": "mine.py:Mine", "b": "b/mine.py:Mine"}}, folder, requested=True)
    section = copy_into(specs, folder / "run")
    copies = load_local(section, folder / "run", requested=True)
    assert [spec.load().marker for spec in copies] == [str(folder), "b"]


def test_packaged_plugins_are_not_copied(tmp_path: Path):
    assert copy_into(discover().specs(), tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_executed_without_trust(folder: Path):
    (folder / "mine.py").write_text(f"open({str(folder / 'executed')!r}, 'w')")
    with pytest.raises(PluginError) as told:
        load_one(folder, trusted=False)
    assert "--trust-local-plugins" in str(told.value)
    assert str(folder / "mine.py") in str(told.value)
    assert not (folder / "executed").exists()


def test_nothing_is_executed_before_it_is_used(folder: Path):
    (folder / "mine.py").write_text(f"open({str(folder / 'executed')!r}, 'w')")
    load_one(folder)
    assert not (folder / "executed").exists()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("./none.py:Mine", "there is no file"),
        ("./mine.py", "should be a Python file and a class"),
        ("mine:Mine", "should be a Python file and a class"),
        ("./mine.py:", "should be a Python file and a class"),
        ("./mine.py:Mine()", "should be a Python file and a class"),
    ],
)
def test_wrong_targets_are_told(folder: Path, target: str, message: str):
    with pytest.raises(PluginError, match=message) as told:
        load_one(folder, target)
    assert str(told.value).startswith("plugins.loss.mine: ")


@pytest.mark.parametrize("code", ["def (", "raise SystemExit", "import no_such_library", "x = 1"])
def test_a_broken_file_is_told_with_its_name(folder: Path, code: str):
    (folder / "mine.py").write_text(code)
    with pytest.raises(PluginError, match=r"loss 'mine' of .*mine\.py"):
        load_one(folder).load()


def test_unknown_kinds_and_names_are_told(folder: Path):
    with pytest.raises(PluginError, match=r"plugins.los.*did you mean 'loss'"):
        load_local({"los": {"mine": "mine.py:Mine"}}, folder, requested=True)
    with pytest.raises(PluginError, match="lower-case"):
        load_local({"loss": {"Mine": "mine.py:Mine"}}, folder, requested=True)


BEFORE = b'''"""Twice."""

def double(x):
    """Of it."""
    return 2 * x  # as ever
'''


@pytest.mark.parametrize(
    ("right", "wrong", "same"),
    [
        (b"# as ever", b"# two times", True),
        (b"2 * x", b"(2  *\n x)", True),
        (b'"""Of it."""', b'"""Of x [N], and so on."""', True),
        (b'    """Of it."""\n', b"", True),
        (b"2 * x", b"3 * x", False),
        (b"return", b"return x and", False),
        (b"def double", b"def triple", False),
        (b"return 2", b"print(double.__doc__); return 2", False),
        (b"return", b"return (", False),
    ],
)
def test_comments_layout_and_docstrings_are_no_code(right: bytes, wrong: bytes, same: bool):
    assert same_code(BEFORE, BEFORE.replace(right, wrong)) == same


def test_docstrings_count_where_they_are_read():
    reads = BEFORE + b"\nprint(__doc__)\n"
    assert not same_code(reads, reads.replace(b"Twice", b"Double"))
    assert same_code(reads, reads + b"# nothing\n")
