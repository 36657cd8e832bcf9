"""SIGKILL at random moments, of each kind of training; `make soak` has 20 or more of each."""

import random
from pathlib import Path

import pytest
from support.kills import KINDS, killed, undisturbed
from support.outcomes import are_equal

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")]


@pytest.mark.parametrize("name", KINDS)
def test_random_kills_leave_no_trace(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    took = undisturbed(kind, tmp_path / "straight")
    draw, kills = random.Random(name), 0
    while kills < 3:
        out = tmp_path / f"killed{kills}"
        kills += killed(kind, out, draw, 0.6 * took)
        assert all(map(are_equal, kind.runs(tmp_path / "straight"), kind.runs(out)))
