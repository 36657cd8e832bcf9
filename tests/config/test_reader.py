"""YAML text to values and places, without YAML's traps."""

import contextlib
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gancore.config import load_experiment
from gancore.config.yaml.reader import from_mapping, parse, read, section
from gancore.config.yaml.scalars import dump, inline
from gancore.errors import ConfigError

WORDS = {
    "2e-4": 2e-4,
    "1e3": 1000.0,
    "-1.5E+2": -150.0,
    ".5": 0.5,
    "5.": 5.0,
    "25_000": 25000,
    "-3": -3,
    "+3": 3,
    "0": 0,
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "yes": "yes",
    "on": "on",
    "Off": "Off",
    "n": "n",
    "0x10": "0x10",
    "0o10": "0o10",
    "1:30": "1:30",
    "2024-01-01": "2024-01-01",
    "1.2.3": "1.2.3",
    "nan": "nan",
    "'1e3'": "1e3",
    '"010"': "010",
    "'true'": "true",
}


@pytest.mark.parametrize("word", WORDS)
def test_words(word: str) -> None:
    value = parse(f"key: {word}", "f.yaml").data["key"]
    assert value == WORDS[word]
    assert type(value) is type(WORDS[word])


@pytest.mark.parametrize("word", ["010", "-007", "0_1", ".inf", "-.Inf", ".nan", "1e400", "9" * 19, "9" * 5000])
def test_refused_words(word: str) -> None:
    with pytest.raises(ConfigError, match=r"^f\.yaml:1: key: "):
        parse(f"key: {word}", "f.yaml")


def test_places() -> None:
    document = parse("a: 1\nb:\n  c: [1,\n   2]\n  d:\n  - x\n", "f.yaml")
    places = {"a": 1, "b": 2, "b.c": 3, "b.c.0": 3, "b.c.1": 4, "b.d": 5, "b.d.0": 6}
    assert {".".join(map(str, k)): v for k, v in document.places.items() if k} == {
        key: f"f.yaml:{line}" for key, line in places.items()
    }


def test_an_alias_is_a_copy_with_the_place_of_its_use() -> None:
    document = parse("a: &x {b: 1}\nc: *x\n", "f.yaml")
    assert document.data["c"] == {"b": 1}
    assert document.where(("c", "b")) == "f.yaml:2"


def test_all_flaws_of_meaning_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("a: 010\nb: .nan\na: !x 3\n", "f.yaml")
    assert [problem.where for problem in caught.value.problems] == ["f.yaml:1", "f.yaml:2", "f.yaml:3", "f.yaml:3"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.text(min_size=1), values, max_size=4))
def test_what_is_dumped_is_read_back(value: dict[str, Any]) -> None:
    assume("<<" not in repr(value))
    assert parse(dump(value), "f.yaml").data == value
    assert parse(f"key: {inline(value)}", "f.yaml").data["key"] == value
    assert from_mapping(value).data == value


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet=st.sampled_from(list("ab:-[]{},#&*!|>'\"%@`?~0.1e \n\t<")), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse(text, "f.yaml")


NOT_PLAIN = [{"a": {1, 2}}, {"a": b"x"}, {"a": object()}, {None: 1}, {(1, 2): 3}, {"a": math.nan}]


@pytest.mark.parametrize("value", NOT_PLAIN)
def test_mappings_hold_plain_data_only(value: dict[Any, Any]) -> None:
    with pytest.raises(ConfigError):
        from_mapping(value)


def test_a_mapping_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["self"] = loop
    with pytest.raises(ConfigError, match="refers to itself"):
        from_mapping(loop)
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(ConfigError):
        from_mapping({"a": nested})


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(ConfigError, match=r"pipe\.yaml: not a regular file"):
        read(tmp_path / "pipe.yaml")


@pytest.mark.parametrize(
    "text", ["a: 1\ntraining:\n  kimg: 5\n  list:\n  - 3\n\n  more: {x: 1}\nz: 2\n", "training: {kimg: 5}\n"]
)
def test_a_section_is_read_alone_as_in_its_file(text: str) -> None:
    assert section(text, "training") == parse(text, "").data["training"]


def test_a_section_of_a_whole_experiment() -> None:
    text = load_experiment("preset:stylegan2-F", ["data={use: emoji, resolution: 32}"]).to_yaml()
    found = parse(text, "").data
    assert {name: section(text, name) for name in found if isinstance(found[name], dict)} == {
        name: value for name, value in found.items() if isinstance(value, dict)
    }


@pytest.mark.parametrize("text", ["", "null", "training: 5\n", "  training: {kimg: 1}\n", "\0", "trainings: {a: 1}"])
def test_without_a_section_there_is_none(text: str) -> None:
    assert section(text, "training") == {}
