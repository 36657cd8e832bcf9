"""The reader of catalogues: mistakes come with file and line."""

from pathlib import Path

import pytest

from gancore.catalogue import CatalogueError, read_catalogue
from gancore.errors import PluginError
from gancore.registry import PluginSpec


def test_targets_are_relative_to_the_package(tmp_path: Path):
    file = tmp_path / "c.yaml"
    file.write_text('loss:\n  on: {target: "a.b:C", summary: 2e-4, paper: "arXiv:1"}\n')
    assert read_catalogue(file, "package") == [PluginSpec("loss", "on", "package.a.b:C", "2e-4", "arXiv:1")]
    assert read_catalogue(file)[0].target == "a.b:C"


def test_an_empty_catalogue_has_no_plugins(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("# nothing yet\n")
    assert read_catalogue(tmp_path / "c.yaml") == []


MISTAKES = {
    "loss: [a]": "1: should be a mapping",
    "- loss": "1: should be a mapping",
    "loss: {a: {target: 'a:B', summary: s}}\nloss: {}": "2: 'loss' is listed twice",
    "loss:\n  a: {target: 'a:B', summary: s}\n  a: {target: 'a:B', summary: s}": "3: 'a' is listed twice",
    "loss:\n  a: {summary: s}": "2: loss 'a' needs: target",
    "loss:\n  a: {target: 'a:B'}": "2: loss 'a' needs: summary",
    "loss:\n  a: {target: 'a:B', sumry: s}": "2: unknown field 'sumry'; did you mean 'summary'?",
    "loss:\n  a:\n    target: 'a:B'\n    summary: [s]": "4: summary should be a text",
    "los:\n  a: {target: 'a:B', summary: s}": "1: unknown kind 'los'; did you mean 'loss'?",
    "loss:\n  A: {target: 'a:B', summary: s}": "2: loss 'A': a name is lower-case",
    "loss:\n  a: {target: 'a.B', summary: s}": "2: loss 'a': target 'a.B' should be",
    "? [a, b]\n: c": "1: a key should be a text",
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.items())
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, message: str):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(PluginError) as told:
        read_catalogue(file)
    assert str(told.value).startswith(f"{file}:{message}")


MIXED = """
los:
  a: {target: "a:A", summary: s}
loss:
  b: {target: "a:B", summary: s}
  c: {target: "a:C", sumry: s}
  d: {target: "a:D", summary: s}
  b: {target: "a:E", summary: s}
metric: [e]
latent:
  f: {target: "a:F", summary: s}
"""


def test_a_mistake_costs_its_own_entry_only(tmp_path: Path):
    file = tmp_path / "c.yaml"
    file.write_text(MIXED.lstrip())
    with pytest.raises(CatalogueError) as told:
        read_catalogue(file)
    assert [(spec.kind, spec.name, spec.target) for spec in told.value.specs] == [
        ("loss", "b", "a:B"), ("loss", "d", "a:D"), ("latent", "f", "a:F"),
    ]  # fmt: skip
    lines = [str(mistake).removeprefix(f"{file}:").partition(":")[0] for mistake in told.value.mistakes]
    assert lines == ["1", "5", "7", "8"]
    assert all(str(mistake) in str(told.value) for mistake in told.value.mistakes)


@pytest.mark.parametrize("content", [b"loss: {a", b"\xff\xfe\x00", b"a: b\x00"])
def test_what_is_not_yaml_is_told(tmp_path: Path, content: bytes):
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(PluginError, match="cannot be read"):
        read_catalogue(tmp_path / "c.yaml")


def test_a_missing_catalogue_is_told(tmp_path: Path):
    with pytest.raises(PluginError, match="cannot be read"):
        read_catalogue(tmp_path / "c.yaml")
