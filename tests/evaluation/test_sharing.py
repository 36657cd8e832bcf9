"""Two processes evaluate together: each image once, and the scores of one process, bit for bit."""

import json
from itertools import chain
from pathlib import Path

import pytest
from support.pictures import folder, random_images
from support.tiny import tiny_experiment
from support.two_processes import evaluate_one, processes_of
from torch import distributed as dist

from gancore.artifacts.model import save_model
from gancore.cli import main
from gancore.composition import compose
from gancore.evaluation.sharing import Sharing

pytestmark = pytest.mark.xdist_group("processes")  # one worker has a server to fork them from

OPTIONS = ["--features", "embedded", "--batch", "8", "--json", "--metrics"]


def evaluated(count: int, out: Path, arguments: list[str]) -> list[tuple[str, list[int]]]:
    """What each process printed, and the batches that it looked at."""
    out.mkdir()
    errors, cache = out / "errors", out.parent / f"cache{count}"
    for process in processes_of(count, errors, evaluate_one, out, arguments, cache=cache):
        process.join(300)
        assert process.exitcode == 0, [path.read_text() for path in errors.iterdir()]
    files = [out / f"{rank}.txt" for rank in range(count)]
    return [(file.read_text(), json.loads(file.with_suffix(".json").read_text())) for file in files]


def model(place: Path) -> list[str]:
    """Arguments for a model against 70 images of its data, mirrored as well."""
    experiment = tiny_experiment()
    save_model(place / "model.safetensors", compose(experiment).generator, experiment, {"kimg": 0})
    return [str(place / "model.safetensors"), "--samples", "20", "--reals", "70", *OPTIONS]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_batches_are_computed_once_and_come_in_their_order(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in range(8):
        own = [list(Sharing(rank, size).own(count)) for rank in range(size)]
        assert sorted(chain(*own)) == list(range(count))
        monkeypatch.setattr(
            dist, "all_gather_object", lambda parts, _, group, own=own: parts.__setitem__(slice(None), own)
        )
        for rank in range(size):
            assert Sharing(rank, size).whole(own[rank], count) == list(range(count))


@pytest.mark.slow
def test_a_model_against_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*model(tmp_path), "fid,kid,ppl2_wend"]
    monkeypatch.setenv("GANCORE_CACHE", str(tmp_path / "cache1"))
    assert main(["evaluate", *asked]) == 0
    printed = capsys.readouterr().out
    (first, some), (second, others) = evaluated(2, tmp_path / "together", asked)
    assert (first, second) == (printed, "")
    assert (some, others) == ([8, 4, 64, 64], [8, 6, 6])


@pytest.mark.slow
def test_statistics_that_are_kept_and_images_against_images(tmp_path: Path) -> None:
    asked = [*model(tmp_path), "fid"]
    (before, _), _ = evaluated(2, tmp_path / "before", asked)
    (again, some), (_, others) = evaluated(2, tmp_path / "again", asked)
    assert again == before
    assert (some, others) == ([8, 4], [8])
    a, b = (str(folder(tmp_path / f"{count}", random_images(count, count))) for count in (21, 9))
    asked = [a, "--real", b, *OPTIONS, "fid"]
    ((printed, batches),) = evaluated(1, tmp_path / "one", asked)
    (first, some), (_, others) = evaluated(2, tmp_path / "two", asked)
    assert first == printed
    assert batches == [8, 8, 5, 9]
    assert (some, others) == ([8, 5, 9], [8])
