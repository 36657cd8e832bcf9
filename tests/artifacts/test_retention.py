"""Which checkpoints are deleted, and when none is."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from support.tiny import quick_experiment

from gancore.artifacts.run import RunFolder
from gancore.artifacts.tensors import save_tensors
from gancore.artifacts.thinning import count, superfluous
from gancore.errors import RunError
from gancore.training import train


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A folder with checkpoints after 1, 2 and 3 kimg."""
    run = RunFolder(tmp_path)
    for kimg in (1, 2, 3):
        save_tensors(run.checkpoint(kimg), {"weight": torch.full((2,), float(kimg))}, {})
    return run


def test_the_newest_are_kept(folder: RunFolder) -> None:
    folder.retain(2, folder.checkpoint(3))
    assert folder.checkpoints() == [folder.checkpoint(3), folder.checkpoint(2)]


def test_older_ones_outlive_one_that_cannot_be_read_back(folder: RunFolder) -> None:
    newest = folder.checkpoint(3)
    content = newest.read_bytes()
    newest.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(RunError):
        folder.retain(1, newest)
    assert len(folder.checkpoints()) == 3


def filmed(keep: int, kimgs: Sequence[float], every: float = 10.0) -> list[float]:
    """The grids that are left after one was made at each of these kimg."""
    left: list[float] = []
    for kimg in kimgs:
        grids = [(at, Path(str(at))) for at in [*left, kimg]]
        gone = superfluous(grids, every, keep)
        left = [at for at, path in grids if path not in gone]
        assert len(left) <= keep
        assert {0.0, kimg} <= {*left}
    return left


def test_samples_that_are_kept_are_spread_evenly() -> None:
    assert filmed(4, [*range(0, 70, 10)]) == [0, 20, 40, 60]
    assert filmed(4, [*range(0, 80, 10)]) == [0, 40, 70]
    assert filmed(2, [*range(0, 80, 10)]) == [0, 70]
    assert filmed(100, [*range(0, 80, 10), 75]) == [*range(0, 80, 10), 75]
    assert filmed(9, [*range(0, 80, 10), 75]) == [*range(0, 80, 10), 75]
    assert filmed(8, [*range(0, 80, 10), 75]) == [*range(0, 80, 20), 75]


@pytest.mark.parametrize("keep", [2, 3, 5, 100, 101])
def test_a_long_film_has_many_of_those_it_may_have(keep: int) -> None:
    made = [10.0 * n + 0.016 * (n > 0) for n in range(2501)]  # a batch may end a little later
    left = filmed(keep, made)
    gaps = [round(b - a) for a, b in pairwise(left[:-1])]
    assert len(set(gaps)) <= 1
    assert len(left) > keep / 2
    assert count(25_000, 10, keep) == keep


def test_a_run_that_was_interrupted_keeps_the_same() -> None:
    """It makes grids again that it had made after its last checkpoint."""
    whole = filmed(4, [*range(0, 120, 10)])
    for stop in range(10, 110, 10):
        for back in range(0, stop, 10):
            again = [*range(0, stop, 10), *range(back, 120, 10)]
            left: list[float] = []
            for kimg in again:
                grids = [(at, Path(str(at))) for at in sorted({*left, kimg})]
                gone = {*superfluous(grids, 10, 4)} - {Path(str(kimg))}
                left = [at for at, path in grids if path not in gone]
            assert left == whole


def test_a_run_keeps_so_many(tmp_path: Path) -> None:
    thinned = {"training__sample_kimg": 0.008, "training__keep_samples": 4}
    run = train(quick_experiment(**thinned, training__kimg=0.056), tmp_path / "run")
    assert sorted(path.name for path in run.samples.iterdir()) == [
        *(f"fakes-000000.{kimg}.png" for kimg in ("000", "032", "056")),
        "reals.png",
    ]
    train(quick_experiment(**thinned, training__kimg=0.064), tmp_path / "run")
    assert run.fakes(0.064).exists()
    assert not run.fakes(0.056).exists()
