"""Data, clock, limits and other processes change while a run trains; `make soak` tries each many times."""

import random
from pathlib import Path

import pytest
from support.surroundings import TRIES, WORDS, straight_for, torchrun, tried

pytestmark = [
    pytest.mark.xdist_group("processes"),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc"),
]
QUICK = [name for name, (_, attempt) in TRIES.items() if attempt is not torchrun]


@pytest.mark.parametrize("name", QUICK)
def test_nothing_is_lost(name: str, tmp_path: Path) -> None:
    assert _outcome(name, tmp_path) in WORDS


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRIES if name not in QUICK])
def test_nothing_is_lost_with_torchrun(name: str, tmp_path: Path) -> None:
    assert _outcome(name, tmp_path) in WORDS


def _outcome(name: str, folder: Path) -> str:
    (folder / "straight").mkdir()
    attempt = TRIES[name][1]
    return tried(attempt, folder / "tried", straight_for(attempt, folder / "straight"), random.Random(name))
