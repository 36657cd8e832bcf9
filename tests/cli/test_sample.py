"""`gancore sample` and `G(z)`: the same images for a seed; what makes no sense is refused in words."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny import tiny_experiment

from gancore import cli
from gancore.artifacts.model import save_model
from gancore.composition import compose
from gancore.contracts import Generator, Interface
from gancore.training.samples import generate


@pytest.fixture(scope="module")
def generator() -> Generator:
    """With noise that shows: its strength starts at 0."""
    made = compose(tiny_experiment()).generator.eval()
    for name, parameter in made.named_parameters():
        if "noise" in name:
            torch.nn.init.constant_(parameter, 1.0)
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, generator: Generator) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(path, generator, tiny_experiment(), {"kimg": 0})
    return path


def test_random_noise_is_that_of_the_seed(model: Path, tmp_path: Path, generator: Generator):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        out = tmp_path / f"{name}.png"
        options = ["--noise-mode", "random", "--seed", str(seed), "--count", "20"]
        assert cli.main(["sample", str(model), "--out", str(out), *options]) == 0
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c
    assert not torch.equal(generate(generator, 2, 0), generate(generator, 2, 0, noise_mode="random"))


def test_cutoff_says_how_many_slots_are_truncated(model: Path, tmp_path: Path):
    def sampled(*options: str) -> bytes:
        out = tmp_path / "samples.png"
        assert cli.main(["sample", str(model), "--out", str(out), "--count", "4", *options]) == 0
        return out.read_bytes()

    psi = ("--truncation-psi", "0.3")
    assert sampled(*psi, "--truncation-cutoff", "6") == sampled(*psi)
    assert sampled(*psi, "--truncation-cutoff", "0") == sampled()
    assert len({sampled(*psi, "--truncation-cutoff", n) for n in ("0", "2", "6")}) == 3


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--truncation-psi", "0.5", "--truncation-cutoff", "7"], "should be 0 to 6, not 7"),
        (["--truncation-cutoff", "-1"], "should be 0 to 6, not -1"),
        (["--truncation-psi", "nan"], "nan is not a finite number"),
        (["--truncation-psi", "inf"], "inf is not a finite number"),
        (["--out", "x.jpg"], "should end in .png"),
        (["--out", "x"], "should end in .png"),
        (["--count", "10001"], "1<=x<=10000"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, options: list[str], told: str
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["sample", str(model), *options]) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"noise_mode": "foo"}, "one of const, random, none, not 'foo'"),
        ({"label": torch.eye(2)}, "made without labels"),
        ({"truncation_cutoff": -1, "truncation_psi": 0.5}, "should be 0 to 6, not -1"),
        ({"truncation_cutoff": 7, "truncation_psi": 0.5}, "should be 0 to 6, not 7"),
        ({"truncation_psi": float("nan")}, "a finite number, not nan"),
    ],
)
def test_a_generator_refuses_what_it_cannot_mean(generator: Generator, options: dict[str, Any], told: str):
    with pytest.raises(ValueError, match=told):
        generator(torch.randn(2, generator.z_dim), **options)


def test_a_label_has_a_row_for_each_sample():
    made = compose(tiny_experiment(), Interface(16, 3, label_dim=3)).generator
    z = torch.randn(2, made.z_dim)
    assert made(z, torch.eye(3)[:2]).shape == (2, 3, 16, 16)
    for label in (torch.eye(3), torch.eye(2), torch.tensor([0, 1])):
        with pytest.raises(ValueError, match=r"label should have shape \[2, 3\]"):
            made(z, label)
