"""libyaml's parser, where the reader takes it, gives the documents of PyYAML's, with the same places."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gancore.config.yaml import reader
from gancore.config.yaml.document import Document
from gancore.errors import ConfigError
from gancore.presets import preset_file, preset_names

ROOT = Path(__file__).parents[2]
FILES = [*map(preset_file, preset_names()), *sorted((ROOT / "experiments").glob("*.yaml"))]


@pytest.mark.skipif(reader._FAST is None, reason="PyYAML without libyaml")
def test_experiments_are_read_the_fast_way() -> None:
    """Most files of this project are plain enough."""
    fast = [file for file in FILES if reader._PLAIN.fullmatch(file.read_text())]
    assert len(fast) > len(FILES) / 2


def outcome(text: str) -> tuple[object, ...]:
    try:
        document: Document = reader.parse(text, "x")
    except ConfigError as error:
        return ("refused", str(error))
    return ("read", document.data, document.places)


def both(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[tuple[object, ...], tuple[object, ...]]:
    with monkeypatch.context() as slow:
        slow.setattr(reader, "_FAST", None)
        want = outcome(text)
    return outcome(text), want


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_files(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got, want = both(file.read_text(), monkeypatch)
    assert got == want
    assert got[0] == "read"


WORDS = "a|b: |c:|- |{|}|[|]|, |'|1e-3|010|0x1f|~|null|yes|# x| #y|: |<<: |=|1_000|.5|-.inf|(|x:y|/|'' | |*|*a|;|+"
TOKENS = st.sampled_from([*WORDS.split("|"), '"', '"" ', "\n", "\n  ", "\n    ", "---\n", "...\n"])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(TOKENS, max_size=24).map("".join))
def test_any_text(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        got, want = both(text, patch)
    assert got == want


def test_the_reader_falls_back_where_the_fast_parser_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: a parser that refuses everything changes nothing."""

    class Broken(yaml.SafeLoader):
        def get_event(self) -> yaml.Event:
            raise yaml.YAMLError("broken")

    monkeypatch.setattr(reader, "_FAST", Broken)
    assert outcome("a: 1\n") == ("read", {"a": 1}, {(): "x:1", ("a",): "x:1"})
