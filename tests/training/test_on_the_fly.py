"""Images decoded on the fly: the same bits as those decoded ahead, and no more in memory than the coming steps need."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support.killing import run_child
from support.tiny import QUICK, assert_equal_bits, quick_experiment

from gancore.artifacts import RunFolder
from gancore.artifacts.tensors import load_tensors
from gancore.cli import main
from gancore.config import Experiment
from gancore.data import ImageData, on_the_fly, opening, reading
from gancore.errors import DataError, RunFailed
from gancore.training import train
from gancore.training.initial import new_trainer, training_data
from gancore.training.step.loading import STEPS_AHEAD, Loader

pytestmark = pytest.mark.xdist_group("processes")

COUNT = 20
"""Images; with batches of 8 and two critic steps, an epoch ends within a batch."""

CHANGES: dict[str, Any] = {"training__d_steps": 2, "training__order": "d_first", "training__microbatch": 4}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCORE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8)):
        (folder / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "ab"[i % 2] / f"{i}.png")
    return folder


def experiment(folder: Path, decode: str = "on_the_fly", **changes: Any) -> Experiment:
    data = {"use": "folder", "path": str(folder), "resolution": 8, "mirror": True, "labels": False, "decode": decode}
    return quick_experiment(**{"data": data, "data__resolution": 8} | changes)


def opened(folder: Path, decode: str, **changes: Any) -> ImageData:
    return training_data(experiment(folder, decode, **changes))


def losses(run: RunFolder) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in run.log.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key.startswith("loss/")} for line in lines]


def test_a_run_has_the_bits_of_one_that_decoded_ahead(pictures: Path, tmp_path: Path) -> None:
    ahead, on_fly = (
        train(experiment(pictures, decode, **CHANGES), tmp_path / decode) for decode in ("ahead", "on_the_fly")
    )
    assert_equal_bits(*(load_tensors(run.checkpoints()[0])[0] for run in (ahead, on_fly)))
    assert losses(ahead) == losses(on_fly)
    assert (ahead.samples / "reals.png").read_bytes() == (on_fly.samples / "reals.png").read_bytes()
    waits = [json.loads(line)["data/wait_s"] for line in on_fly.log.read_text().splitlines()]
    assert all(wait >= 0 for wait in waits)
    assert "data/wait_s" not in ahead.log.read_text()


def test_a_run_goes_on_in_the_other_way(pictures: Path, tmp_path: Path) -> None:
    whole = train(experiment(pictures, "ahead"), tmp_path / "whole")
    for decode, kimg in (("ahead", 0.024), ("on_the_fly", 0.048), ("ahead", 0.064)):
        run = train(experiment(pictures, decode, training__kimg=kimg), tmp_path / "parts")
    assert_equal_bits(*(load_tensors(one.model)[0] for one in (whole, run)))


@pytest.mark.parametrize("place", [4])
def test_killed_and_resumed_as_if_it_had_never_stopped(pictures: Path, tmp_path: Path, place: int) -> None:
    changes = QUICK | {"data": experiment(pictures).to_dict()["data"], "data__resolution": 8}
    assert run_child(tmp_path / "straight", None, **changes) == 0
    assert run_child(tmp_path / "killed", place, **changes) < 0
    assert run_child(tmp_path / "killed", None, **changes) == 0
    assert_equal_bits(*(load_tensors(tmp_path / run / "model.safetensors")[0] for run in ("straight", "killed")))


def test_evaluation_sees_the_same_images(pictures: Path) -> None:
    ahead, on_fly = (opened(pictures, decode) for decode in ("ahead", "on_the_fly"))
    assert ahead.identity == on_fly.identity
    some = np.array([19, 3, 3, 0])
    for index in (0, -1, slice(3, 30), some):
        np.testing.assert_array_equal(ahead.images[index], on_fly.images[index])
    assert torch.equal(
        ahead.batch(some, torch.tensor([True, False, True, False]), "cpu"),
        on_fly.batch(some, torch.tensor([True, False, True, False]), "cpu"),
    )


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A 1 for every image that is read to be hashed."""
    calls: list[int] = []
    decode = reading.decode_picture
    monkeypatch.setattr(reading, "decode_picture", lambda *args: calls.append(1) or decode(*args))
    monkeypatch.setattr(on_the_fly, "decoded", decode)  # what is shown is not counted
    return calls


def test_hashed_once(pictures: Path, monkeypatch: pytest.MonkeyPatch, hashed: list[int]) -> None:
    (pictures / "a" / "bad.png").write_bytes(b"bad")
    first, again = (opened(pictures, "on_the_fly", data__invalid="skip", data__labels=True) for _ in range(2))
    assert len(hashed) == COUNT + 1
    assert (first.identity, first.skipped, first.notes) == (again.identity, again.skipped, again.notes)
    assert first.labels is not None
    np.testing.assert_array_equal(first.labels, again.labels)
    np.testing.assert_array_equal(first.images[:], again.images[:])


def test_damage_is_noticed(pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, hashed: list[int]) -> None:
    before = opened(pictures, "on_the_fly").identity
    (known,) = (tmp_path / "cache" / "data").iterdir()
    content = known.read_bytes()
    for damaged in (bytes([content[0] ^ 1]) + content[1:], content[:-1], content[: len(content) // 2]):
        known.write_bytes(damaged)
        with caplog.at_level(logging.WARNING):
            assert opened(pictures, "on_the_fly").identity == before
        assert "is damaged" in caplog.text
        caplog.clear()
        assert known.read_bytes() == content


def test_no_pixels_are_hashed_again_unless_the_file_was_written_to(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "WORTH_KEEPING", -1.0)
    opened(pictures, "ahead")
    (kept,) = (tmp_path / "cache" / "data").iterdir()
    calls = []
    real = opening.store.content_hash
    monkeypatch.setattr(opening.store, "content_hash", lambda *args: calls.append(1) or real(*args))
    opened(pictures, "ahead")
    assert calls == []
    kept.write_bytes(kept.read_bytes())
    for _ in range(2):
        opened(pictures, "ahead")
    assert calls == [1]


@pytest.mark.parametrize("change", ["other pixels", "no image"])
def test_an_image_that_changes_during_a_run_ends_it(pictures: Path, tmp_path: Path, change: str) -> None:
    data = opened(pictures, "on_the_fly")
    path = pictures / "a" / "0.png"
    if change == "other pixels":
        Image.new("RGB", (8, 8)).save(path)
    else:
        path.unlink()
    with pytest.raises(DataError, match=r"a/0\.png has changed since the images were first read"):
        data.images[:]


def test_a_run_that_finds_a_changed_image_fails_with_its_name(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: Any) -> Any:
        raise DataError("a/0.png has changed since the images were first read: its pixels are others")

    monkeypatch.setattr(on_the_fly.OnTheFly, "_decode", gone)
    monkeypatch.setattr("gancore.training.run.real_images", lambda *args: torch.zeros(4, 3, 8, 8))
    with pytest.raises(RunFailed, match=r"a/0\.png has changed .*; run folder: "):
        train(experiment(pictures), tmp_path / "run")


def test_other_images_are_another_run(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, run = tmp_path / "x.yaml", tmp_path / "run"
    file.write_text(experiment(pictures).to_yaml())
    assert main(["train", str(file), "--out", str(run)]) == 0
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    (pictures / "b" / "1.png").unlink()
    capsys.readouterr()
    assert main(["train", str(file), "--out", str(run), "-o", "training.kimg=1"]) == 2
    assert "holds a run on other data" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_no_more_is_in_memory_than_the_coming_steps(pictures: Path) -> None:
    asked = experiment(pictures, **CHANGES)
    trainer = new_trainer(asked, training_data(asked), torch.device("cpu"))
    trainer.loader = loader = Loader(trainer.data, pin=False)
    for step in range(5):
        trainer.step()
        coming = [(0, step + ahead, critic) for ahead in range(1 + STEPS_AHEAD) for critic in range(2)]
        assert list(loader._coming) == coming
    assert loader.read() > 0
    assert loader.read() == 0
    loader.close()


def test_the_coming_batches_are_those_of_a_growing_run(pictures: Path) -> None:
    growth = {"start": 4, "stable_kimg": 0.016, "fade_kimg": 0.016, "batch": {4: 16}}
    changes = {"generator": {"use": "skip", "channels": {"base": 64, "max": 8}}, "discriminator": "skip"}
    asked = experiment(pictures, training__growth=growth, regularizers={}, **changes)
    plain, loading = (new_trainer(asked, training_data(asked), torch.device("cpu")) for _ in range(2))
    loading.loader = Loader(loading.data, pin=False)
    for _ in range(4):
        expected = {key: reals.indices.tolist() for key, reals in loading._coming()}
        plain.step()
        loading.step()
        at = plain.counters
        assert expected[at.attempt, at.step, 0] == plain.reals(0).indices.tolist()
    assert_equal_bits(plain.ema.state_dict(), loading.ema.state_dict())
    loading.loader.close()
