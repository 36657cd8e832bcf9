"""`gancore mix`, `interpolate` and `project`: files out, one line for what cannot be."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from support.subjects import FIXTURE

import gancore
from gancore.cli import main


def run(*args: object) -> int:
    return main(list(map(str, args)))


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_mix(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"mix.{suffix}"
    assert run("mix", FIXTURE, "--rows", "0-1", "--columns", "2,5", "--slots", "0-1", "--out", out) == 0
    assert out.stat().st_size > 1000


@pytest.mark.parametrize("space", ["z", "w"])
def test_interpolate_passes_the_samples(tmp_path: Path, space: str) -> None:
    out = tmp_path / "walk.png"
    assert run("interpolate", FIXTURE, "--seeds", "3,4", "--frames", 4, "--space", space, "--out", out) == 0
    assert run("sample", FIXTURE, "--seeds", "3", "--out", tmp_path / "one.png") == 0
    with Image.open(out) as film, Image.open(tmp_path / "one.png") as sample:
        assert film.n_frames == 8
        factor = film.width // 16
        frame = np.asarray(film.convert("RGB"))[::factor, ::factor]
        assert np.abs(frame.astype(int) - np.asarray(sample.convert("RGB"))[:16, :16]).max() <= 1


def test_project_finds_latents_that_sample_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = gancore.load(FIXTURE)(torch.randn(1, 4, generator=torch.Generator().manual_seed(1)))[0]
    pixels = (image * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(tmp_path / "a.png")
    asked = ("--steps", 3, "--features", "embedded", "--out", tmp_path / "out")
    assert run("project", FIXTURE, tmp_path / "a.png", *asked) == 0
    assert "embedded distance" in capsys.readouterr().out
    found = load_file(tmp_path / "out/a.safetensors")
    assert found["ws"].ndim == 3
    assert any(name.startswith("noise/") for name in found)
    assert (tmp_path / "out/a.gif").stat().st_size > 100
    latents = tmp_path / "out/a.safetensors"
    assert run("sample", FIXTURE, "--latents", latents, "--out", tmp_path / "again.png") == 0


WRONG = {
    "slots": (["mix", FIXTURE, "--slots", "5-99"], "this generator has coarse"),
    "name of a film": (["interpolate", FIXTURE, "--out", "a.avi"], ".gif, .png, .mp4"),
    "seeds": (["interpolate", FIXTURE, "--seeds", "0-99"], "from 1 to 64 seeds"),
    "no image": (["project", FIXTURE, "nowhere.png"], "nowhere.png: no such image"),
    "no image file": (["project", FIXTURE, Path(__file__)], "not an image"),
    "label": (["mix", FIXTURE, "--rows", "a"], "neither a seed"),
}


@pytest.mark.parametrize(("args", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: list[object],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*args) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
