"""`gancore export`: what other programs find in the files is what the model is; nothing is overwritten unasked."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from support.golden_checkpoints import checkpoints
from support.tiny import tiny_experiment

from gancore import cli
from gancore.artifacts import load
from gancore.artifacts.model import load_networks, save_model
from gancore.artifacts.tensors import description_of, load_tensors
from gancore.composition import compose
from gancore.contracts import Generator, Interface
from gancore.discovery import discover
from gancore.interop import import_checkpoint
from gancore.interop.importing import formats_of, open_foreign
from gancore.interop.values import state_of
from gancore.training import train
from gancore.training.samples import generate

FILES = {checkpoint.path.name: checkpoint.path for checkpoint in checkpoints()}


def saved(path: Path, label_dim: int = 3, **changes: Any) -> Path:
    """A model whose noise and average w show."""
    experiment = tiny_experiment(**changes)
    torch.manual_seed(0)
    G = compose(experiment, Interface(16, 3, label_dim)).generator.eval()
    for name, value in (*G.named_parameters(), *G.named_buffers()):
        if "noise_strength" in name or "w_avg" in name:
            torch.nn.init.normal_(value)
    save_model(path, G, experiment, {"kimg": 1.5})
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model") / "model.safetensors")


def exported(model: Path, name: str, out: Path, *options: str) -> Path:
    assert cli.main(["export", str(model), "--format", name, "-o", str(out), *options]) == 0
    return out


def inputs(G: Generator, n: int) -> dict[str, torch.Tensor]:
    return {
        "z": torch.randn(n, G.z_dim, generator=torch.Generator().manual_seed(n)),
        "truncation_psi": torch.tensor(0.6),
        "label": torch.eye(3)[torch.arange(n) % 3],
    }


def onnx_images(folder: Path, given: dict[str, torch.Tensor]) -> torch.Tensor:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    mapping, synthesis = (
        onnxruntime.InferenceSession(folder / f"{name}.onnx", options) for name in ("mapping", "synthesis")
    )
    names = {each.name for each in mapping.get_inputs()}
    ws = mapping.run(None, {name: value.numpy() for name, value in given.items() if name in names})[0]
    return torch.from_numpy(synthesis.run(None, {"ws": ws})[0])


SMALL = {
    "generator": {"use": "mlp", "hidden": [8], "z_dim": 8, "normalization": "none"},
    "regularizers": {"r1": {"gamma": 1}},
}
PROGRAMS = [
    pytest.param(SMALL, id="mlp"),
    pytest.param({}, marks=pytest.mark.slow, id="skip"),
    pytest.param({"generator__use": "residual"}, marks=pytest.mark.slow, id="residual"),
]


@pytest.mark.slow
@pytest.mark.parametrize("changes", PROGRAMS)
def test_onnx_is_the_model(tmp_path: Path, changes: dict[str, Any]):
    """For any batch, and for any psi."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    model = saved(tmp_path / "model.safetensors", **changes)
    G, folder = load(model), exported(model, "onnx", tmp_path / "onnx")
    for n in (1, 5):
        given = inputs(G, n)
        want = G(given["z"], given["label"], 0.6)
        torch.testing.assert_close(onnx_images(folder, given), want, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("changes", PROGRAMS)
def test_torch_export_is_the_model(tmp_path: Path, changes: dict[str, Any]):
    model = saved(tmp_path / "model.safetensors", **changes)
    G = load(model)
    program = torch.export.load(exported(model, "torch-export", tmp_path / "model.pt2")).module()
    for n in (1, 5):
        given = inputs(G, n)
        torch.testing.assert_close(program(**given), G(given["z"], given["label"], 0.6), atol=1e-5, rtol=1e-5)


def test_a_folder_of_the_hub(model: Path, tmp_path: Path, capsys):
    folder = exported(model, "hub", tmp_path / "hub", "--set", "samples=4")
    card = (folder / "README.md").read_text()
    assert 'license: "unknown"' in card
    assert "1.5 kimg" in card
    assert "Apache" not in card
    with Image.open(folder / "samples.png") as picture:
        assert picture.size == (32, 32)
    assert cli.main(["validate", str(folder / "experiment.yaml")]) == 0
    hub = pytest.importorskip("gancore.interop.hub")
    G, given = load(model), inputs(load(model), 2)
    found = hub.HubGenerator.from_pretrained(str(folder))
    assert torch.equal(found(given["z"], given["label"], 0.6), G(given["z"], given["label"], 0.6))
    named = exported(model, "hub", tmp_path / "named", "--licence", "CC-BY-4.0", "--set", "samples=1")
    assert 'license: "CC-BY-4.0"' in (named / "README.md").read_text()
    assert description_of(named / "model.safetensors")["licence"] == "CC-BY-4.0"


def test_images_are_those_of_the_seed(model: Path, tmp_path: Path):
    want = generate(load(model), 5, 2, noise_mode="random")
    options = ["--set", "count=5", "--set", "seed=2"]
    with np.load(exported(model, "npz", tmp_path / "x.npz", *options)) as file:
        torch.testing.assert_close(torch.from_numpy(file["images"]), want)
    folder = exported(model, "png-folder", tmp_path / "x", *options)
    assert sorted(path.name for path in folder.iterdir()) == [f"{i:06}.png" for i in range(5)]


STYLEGAN2 = [
    "ada_resnet_c10.pkl",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("ada_skip_c0.pkl", "ada_orig_c0.pkl", "g09_ada_cond5_bgc_p2.pkl")
    ),
]


@pytest.mark.parametrize("name", STYLEGAN2)
def test_stylegan2_ada_pytorch_has_the_tensors_that_came(name: str, tmp_path: Path):
    """All of them, filters included, and the arguments make the same network."""
    assert cli.main(["import", str(FILES[name]), "-o", str(tmp_path / "model.safetensors")]) == 0
    folder = exported(tmp_path / "model.safetensors", "stylegan2-ada-pytorch", tmp_path / "out")
    want = state_of(open_foreign(FILES[name], formats_of(discover())).contents["G_ema"])
    got = load_file(folder / "model.safetensors")
    assert got.keys() == want.keys()
    for key, array in want.items():
        torch.testing.assert_close(got[key], array.tensor().float(), atol=1e-7, rtol=0)
    want = state_of(open_foreign(FILES[name], formats_of(discover())).contents["D"])
    got = load_file(folder / "discriminator/model.safetensors")
    assert got.keys() == want.keys()
    for key, array in want.items():
        torch.testing.assert_close(got[key], array.tensor().float(), atol=1e-7, rtol=0)
    again, first = import_checkpoint(folder), import_checkpoint(FILES[name])
    assert again.experiment.generator.to_dict() == first.experiment.generator.to_dict()
    assert again.experiment.discriminator.to_dict() == first.experiment.discriminator.to_dict()


def test_rosinality_has_the_tensors_that_came(tmp_path: Path):
    source = FILES["c10_rosinality_convert.pt"]
    assert cli.main(["import", str(source), "-o", str(tmp_path / "model.safetensors")]) == 0
    out = exported(tmp_path / "model.safetensors", "rosinality", tmp_path / "x.pt")
    want, got = (torch.load(path, weights_only=True) for path in (source, out))
    assert got["g_ema"].keys() == want["g_ema"].keys()
    for key, value in want["g_ema"].items():
        torch.testing.assert_close(got["g_ema"][key], value, atol=1e-7, rtol=0)
    assert torch.equal(got["latent_avg"], want["latent_avg"])


def test_rosinality_has_the_discriminator_that_came(tmp_path: Path):
    source = FILES["c10_rosinality_train.pt"]
    assert cli.main(["import", str(source), "-o", str(tmp_path / "model.safetensors")]) == 0
    out = exported(tmp_path / "model.safetensors", "rosinality", tmp_path / "x.pt")
    got = torch.load(out, weights_only=True)["d"]
    want = open_foreign(source, formats_of(discover())).contents["d"]
    assert got.keys() == want.keys()
    for key, array in want.items():
        torch.testing.assert_close(got[key], array.tensor().float(), atol=1e-7, rtol=0)


@pytest.mark.parametrize("name", ["rosinality", "stylegan2-ada-pytorch"])
def test_the_discriminator_of_a_run_is_that_of_its_newest_checkpoint(tmp_path: Path, name: str, capsys):
    """And one that the format cannot hold is left out, with a line that says why."""
    run = train(tiny_experiment(training__kimg=0.016), tmp_path / "run")
    out = exported(run.path, name, tmp_path / "out")
    again = import_checkpoint(out)
    again.save(tmp_path / "again.safetensors")
    tensors, _ = load_tensors(run.checkpoints()[0])
    found = load_networks(tmp_path / "again.safetensors")["discriminator"].state_dict()
    assert found
    assert all(torch.equal(value, tensors[f"discriminator/{key}"]) for key, value in found.items())
    other = train(
        tiny_experiment(training__kimg=0.016, discriminator={"use": "skip", "halving": "average"}), tmp_path / "2"
    )
    capsys.readouterr()
    out = exported(other.path, name, tmp_path / "other")
    assert "the discriminator is left out: it has " in capsys.readouterr().err
    assert import_checkpoint(out).snapshot.discriminator is None


def test_biases_that_are_stored_without_their_1(tmp_path: Path):
    """Of a TensorFlow file: the model in the other format gives the same images."""
    assert cli.main(["import", str(FILES["tf_skip.pkl"]), "-o", str(tmp_path / "model.safetensors")]) == 0
    out = exported(tmp_path / "model.safetensors", "rosinality", tmp_path / "x.pt")
    import_checkpoint(out).save(tmp_path / "again.safetensors")
    G, H = load(tmp_path / "model.safetensors"), load(tmp_path / "again.safetensors")
    z = torch.randn(2, G.z_dim)
    torch.testing.assert_close(G(z, None, 0.5), H(z, None, 0.5), atol=1e-5, rtol=1e-5)


def test_a_model_file_is_written_again(model: Path, tmp_path: Path):
    G, H = load(model), load(exported(model, "safetensors", tmp_path / "x.safetensors"))
    assert all(torch.equal(value, H.state_dict()[name]) for name, value in G.state_dict().items())
    about = description_of(tmp_path / "x.safetensors")
    assert (about["kimg"], about["licence"]) == (1.5, "unknown")


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("onnxx", [], "no format 'onnxx' that can be written; did you mean 'onnx'?"),
        ("nvidia", [], "no format 'nvidia' that can be written"),
        ("npz", ["--set", "count=0"], "format npz: count: Input should be greater than or equal to 1"),
        ("npz", ["--set", "counts=3"], "counts: Extra inputs"),
        ("npz", ["--set", "count"], "should be KEY=VALUE"),
        ("rosinality", [], "the project has no labels"),
    ],
)
def test_what_cannot_be_written(model: Path, tmp_path: Path, name: str, options: list[str], told: str, capsys):
    assert cli.main(["export", str(model), "--format", name, "-o", str(tmp_path / "x"), *options]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert list(tmp_path.iterdir()) == []


def test_options_that_a_format_does_not_know_are_refused(tmp_path: Path, capsys):
    changes: dict[str, Callable[..., Any] | str] = {"generator__normalization": "adain"}
    model = saved(tmp_path / "model.safetensors", 0, **changes)
    assert cli.main(["export", str(model), "--format", "rosinality", "-o", str(tmp_path / "x")]) == 2
    assert "has normalization.use: adain, which this format cannot hold" in capsys.readouterr().err
    model = saved(tmp_path / "other.safetensors", 0, generator__torgb_modulated=False)
    assert cli.main(["export", str(model), "--format", "stylegan2-ada-pytorch", "-o", str(tmp_path / "x")]) == 2
    assert "has torgb_modulated: False" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_nothing_is_replaced_unasked(model: Path, tmp_path: Path, capsys):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine.txt").write_text("mine")
    (tmp_path / "x" / "config.json").write_text("old")
    command = ["export", str(model), "--format", "stylegan2-ada-pytorch", "-o", str(tmp_path / "x")]
    assert cli.main(command) == 2
    assert "exists already; --force replaces it" in capsys.readouterr().err
    assert cli.main([*command, "--force"]) == 0
    assert (tmp_path / "x" / "mine.txt").read_text() == "mine"
    assert json.loads((tmp_path / "x" / "config.json").read_text())["img_resolution"] == 16


@pytest.mark.slow
def test_imported_trained_and_in_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """By commands alone: the experiment of a foreign file, two kimg from its weights, ONNX; the images of `sample`."""
    pytest.importorskip("onnxscript")
    monkeypatch.chdir(tmp_path)
    source = FILES["ada_skip_c0.pkl"]
    assert cli.main(["inspect", str(source), "--yaml"]) == 0
    Path("x.yaml").write_text(capsys.readouterr().out)
    data = "data={use: emoji, resolution: 16, fit: resize}"
    training = "training={kimg: 2, batch: 32, threads: 1, device: cpu, sample_kimg: 2, checkpoint_kimg: 2}"
    changes = [f"-o{change}" for change in (data, training, f"init_from={source}")]
    assert cli.main(["train", "x.yaml", *changes, "--out", "run"]) == 0
    folder = exported(Path("run"), "onnx", Path("onnx"))
    given = inputs(load("run"), 4)
    np.save("z.npy", given["z"].numpy())
    assert cli.main(["sample", "run", "--latents", "z.npy", "--truncation-psi", "0.6", "--out", "x.npz"]) == 0
    with np.load("x.npz") as file:
        want = torch.from_numpy(file["images"])
    assert want.std() > 0.05
    torch.testing.assert_close(onnx_images(folder, given), want, atol=1e-4, rtol=1e-4)
