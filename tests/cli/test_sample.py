"""`gancore sample` and `G(z)`: the same images for a seed; what makes no sense is refused in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from support.tiny import tiny_experiment

from gancore import cli
from gancore.artifacts import load
from gancore.artifacts.model import save_model
from gancore.composition import compose
from gancore.contracts import Generator, Interface
from gancore.evaluation.pictures import to_uint8
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


def test_cutoff_says_how_many_ws_are_truncated(model: Path, tmp_path: Path):
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
        (["--out", "x.gif"], "should end in .png, .jpg, .jpeg, .webp or .npz"),
        (["--count", "10001"], "too large; a name without an ending is a folder"),
        (["--count", "1100", "--truncation-psi", "0", "--truncation-psi", "1", "--out", "x.webp"], "too large"),
        (["--count", "1000001"], "1<=x<=1000000"),
        (["--seeds", "3-1"], "'3-1' is neither a seed, 777, nor a range"),
        (["--seeds", "1,,2"], "'' is neither a seed"),
        (["--seeds", "0-99999999999999"], "more than 1,000,000 seeds"),
        (["--seeds", "1", "--count", "3"], "exclude each other"),
        (["--label", "0"], "label 0: this model has no classes"),
        (["--latents", "nowhere.npy"], "No such file"),
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


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    made = compose(tiny_experiment(), Interface(16, 3, label_dim=3)).generator.eval()
    made.mapping.w_avg.normal_()
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(path, made, tiny_experiment(), {"kimg": 0})
    return path


def arrays(model: Path, folder: Path, *options: str) -> torch.Tensor:
    """What `gancore sample` writes as an array."""
    out = folder / "x.npz"
    assert cli.main(["sample", str(model), "--out", str(out), *options]) == 0
    with np.load(out, allow_pickle=False) as file:
        assert file["images"].dtype == np.float32
        assert len(file["names"]) == len(file["images"])
        return torch.from_numpy(file["images"])


def pixels(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1)


def test_arrays_are_what_the_generator_gave(model: Path, tmp_path: Path):
    """Not clamped, and written a batch at a time."""
    want = generate(load(model), 37, 5)
    torch.testing.assert_close(arrays(model, tmp_path, "--count", "37", "--seed", "5"), want)
    assert want.abs().max() > 1


def test_image_0_of_each_seed_with_the_seed_in_its_name(model: Path, tmp_path: Path):
    out, G = tmp_path / "images", load(model)
    assert cli.main(["sample", str(model), "--seeds", "0-2,777", "--out", str(out), "--noise-mode", "random"]) == 0
    assert sorted(p.name for p in out.iterdir()) == [f"seed{seed:04}.png" for seed in (0, 1, 2, 777)]
    for seed in (2, 777):
        want = to_uint8(generate(G, 1, seed, noise_mode="random"))[0]
        assert (pixels(out / f"seed{seed:04}.png").int() - want.int()).abs().max() <= 1  # rounding
    assert cli.main(["sample", str(model), "--out", str(out)]) == 2  # there are files in it


@pytest.mark.parametrize("ending", ["npy", "npz", "safetensors", "pt"])
def test_latents_of_a_file(conditional: Path, tmp_path: Path, ending: str):
    G, file = load(conditional), tmp_path / f"x.{ending}"
    z, label = torch.randn(5, 8, generator=torch.Generator().manual_seed(1)), torch.eye(3)[[2, 0, 1, 1, 2]]
    ws = G.mapping(z, label)
    want = {"z": z, "label": torch.tensor([2, 0, 1, 1, 2])} if ending in ("npz", "pt") else {"ws": ws}
    if ending == "npy":
        np.save(file, ws.numpy())
    elif ending == "npz":
        np.savez(file, **{name: value.numpy() for name, value in want.items()})
    elif ending == "safetensors":
        save_file({name: value.contiguous() for name, value in want.items()}, file)
    else:
        torch.save(want, file)
    torch.testing.assert_close(arrays(conditional, tmp_path, "--latents", str(file)), G(z, label))


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        ({"z": torch.zeros(2, 9)}, "has z [2, 9], where [N, 8] is expected"),
        ({"ws": torch.zeros(2, 6, 9)}, "where [N, 6, 8] is expected"),
        ({"z": torch.full((2, 8), torch.nan)}, "not finite"),
        ({"z": torch.zeros(2, 8), "label": torch.tensor([0, 3])}, "[2, 3] or 2 numbers from 0 to 2"),
        ({"z": torch.zeros(2, 8), "ws": torch.zeros(2, 6, 8)}, "should hold one array of z"),
        ({"x": torch.zeros(2, 8), "y": torch.zeros(2)}, "and holds x, y"),
    ],
)
def test_latents_that_do_not_fit(conditional: Path, tmp_path: Path, contents: dict[str, Any], told: str, capsys):
    save_file(contents, tmp_path / "x.safetensors")
    assert cli.main(["sample", str(conditional), "--latents", str(tmp_path / "x.safetensors")]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG"), ("jpg", b"\xff\xd8"), ("webp", b"RIFF")])
def test_lists_make_rows_with_legends(conditional: Path, tmp_path: Path, ending: str, magic: bytes):
    out, G = tmp_path / f"grid.{ending}", load(conditional)
    lists = ["--label", "2", "--label", "0", "--truncation-psi", "0.5", "--truncation-psi", "1", "--count", "3"]
    assert cli.main(["sample", str(conditional), "--out", str(out), *lists]) == 0
    assert out.read_bytes().startswith(magic)
    grid = pixels(out)
    assert grid.shape == (3, 4 * 16, 96 + 3 * 16)
    legends = grid[0, :, :96].unflatten(0, (4, 16))
    assert len({legend.numpy().tobytes() for legend in legends}) == 4
    if ending != "jpg":
        want = to_uint8(generate(G, 3, 0, label=0, truncation_psi=0.5))
        row = grid[:, 32:48, 96:].unflatten(2, (3, 16)).permute(2, 0, 1, 3)
        assert (row.int() - want.int()).abs().max() <= 1


def test_truncation_towards_the_mean_of_a_class(conditional: Path, tmp_path: Path):
    """psi 0 is the image of that mean; 1 is no truncation; a cutoff leaves the ws behind it alone."""
    G, options = load(conditional), ["--label", "1", "--count", "2", "--truncation-mean", "class", "--truncation-psi"]
    z = torch.randn(50_000, 8, generator=torch.Generator().manual_seed(3))
    mean = G.mapping(z, torch.eye(3)[[1]].expand(len(z), -1)).mean(dim=0)
    got = arrays(conditional, tmp_path, *options, "0")
    torch.testing.assert_close(got[0], got[1])
    torch.testing.assert_close(got[:1], G.synthesis(mean[None], noise_mode="const")[-1], atol=0.05, rtol=0)
    assert (got - generate(G, 2, 0, label=1, truncation_psi=0)).abs().max() > 0.1  # towards the mean of all
    torch.testing.assert_close(arrays(conditional, tmp_path, *options, "1"), generate(G, 2, 0, label=1))
    cut = arrays(conditional, tmp_path, *options, "0.3", "--truncation-cutoff", "0")
    torch.testing.assert_close(cut, generate(G, 2, 0, label=1))
