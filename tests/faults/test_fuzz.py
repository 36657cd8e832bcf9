"""Broken input is read, or refused; `make soak` tries much more of it."""

import pytest
from support.fuzz import Fuzz, outcomes

NAMES = [
    *("YAML files", "overrides (`-o`)", "images of 7 formats", "archives", "`dataset.json`", "model files"),
    *("descriptions of models, with right checksums", "files of grid folders", "text in reports"),
]
COUNTS = {
    "archives": 8,
    "text in reports": 6,
    "descriptions of models, with right checksums": 15,
    "`dataset.json`": 500,
}


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory: pytest.TempPathFactory) -> Fuzz:
    return Fuzz(tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize("name", NAMES)
def test_broken_input_is_read_or_refused(name: str, fuzz: Fuzz) -> None:
    found = outcomes(fuzz.all()[name], name, iter(range(COUNTS.get(name, 60))))
    assert set(found) <= {"read", "refused"}, found
    assert found["read"] > 0 or name == "model files"


def test_all_of_them_are_here(fuzz: Fuzz) -> None:
    assert sorted(fuzz.all()) == sorted(NAMES)
