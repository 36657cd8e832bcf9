"""What the page shows, without the page: pictures are those of `gancore sample`, and every control does its part."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.small import diagonal, names
from support.subjects import FIXTURE, style_generator, subject_of
from torch import Tensor

from gancore.analysis import mixed, noise_maps
from gancore.cli import main
from gancore.contracts import Generator, Interface
from gancore.errors import GancoreError
from gancore.explore import Explored, Look, StyleEdit
from gancore.explore.look import look_of, vector_of
from gancore.explore.projecting import LARGEST, Projector
from gancore.explore.serve import listening
from gancore.local_plugins import load_local
from gancore.nn import Latent
from gancore.sampling import Look as Row
from gancore.sampling import Making, of_seeds
from gancore.testing.subject import without_normalization
from gancore_plugins.analyses.droplets import Peaks

CPU = torch.device("cpu")
OLD = Path(__file__).parents[1] / "fixtures/old_style_generator.py"


@pytest.fixture(scope="module")
def model() -> Explored:
    return Explored.of(FIXTURE, CPU)


def noisy() -> Explored:
    return Explored(style_generator(16), "noisy", CPU)


def sample(model: Explored, seed: int, row: Row = Row(), **making: object) -> Tensor:  # noqa: B008
    """What `gancore sample --seeds` makes."""
    start = of_seeds(model.generator, [seed])
    return next(Making(**making).images(model.generator, start, row))[0]


@pytest.mark.parametrize("psi", [1.0, 0.3])
@pytest.mark.parametrize("noise_mode", ["const", "random", "none"])
def test_a_seed_s_picture_is_that_of_sample(psi: float, noise_mode: str) -> None:
    model = noisy()
    look = Look(seed=5, truncation_psi=psi, noise_mode=noise_mode)
    assert torch.equal(model.picture(look), sample(model, 5, Row(None, psi), noise_mode=noise_mode))


def test_the_command_makes_the_same_file(model: Explored, tmp_path: Path) -> None:
    look = Look(seed=7, truncation_psi=0.5, noise_mode="random")
    command = model.command(look).split()
    assert main([*command[1:], "--out", str(tmp_path / "a.png")]) == 0
    with Image.open(tmp_path / "a.png") as image:
        pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    assert torch.equal(pixels, (model.picture(look) * 127.5 + 128).clamp(0, 255).to(torch.uint8))
    assert model.command(look.model_copy(update={"blend": 0.5})) == ""


def test_crossover_and_blend(model: Explored) -> None:
    a, b = (model.ws(Look(seed=seed)) for seed in (0, 1))
    most = model.generator.num_ws
    assert torch.equal(model.picture(Look(seed=0, other=1, blend=1.0)), sample(model, 1))
    assert torch.equal(model.picture(Look(seed=0, other=1, blend=1.0, crossover=most)), sample(model, 0))
    assert torch.equal(model.ws(Look(other=1, blend=1.0, crossover=2)), mixed(a, b, range(2, most)))
    half = model.ws(Look(other=1, blend=0.5, crossover=2))
    torch.testing.assert_close(half[:, 2:], (a + b)[:, 2:] / 2)
    assert torch.equal(half[:, :2], a[:, :2])


def test_latents_are_blended_where_there_are_no_ws() -> None:
    model = Explored(subject_of("dcgan").generator, "dcgan", CPU)
    assert torch.equal(model.picture(Look(other=3, blend=1.0)), sample(model, 3))
    a, b, half = (model.ws(Look(seed=s, other=3, blend=t))[0, 0] for s, t in ((0, 0), (3, 0), (0, 0.5)))
    assert half.norm() == pytest.approx((a.norm() + b.norm()).item() / 2, rel=1e-5)
    assert "crossover" in model.absent


@pytest.mark.parametrize("kind", ["factorized", "principal"])
def test_a_step_moves_the_chosen_ws_along_a_direction(model: Explored, kind: str) -> None:
    edit = StyleEdit(kind=kind, number=2, amount=1.5, first=1, last=3)
    vectors, lengths = model.directions[kind]
    moved = model.ws(Look(edits=(edit,))) - model.ws(Look())
    expected = (1.5 * lengths[1] * vectors[1]).float()
    assert moved[:, [0, *range(4, model.generator.num_ws)]].abs().max() == 0
    torch.testing.assert_close(moved[0, 1:4], expected.expand(3, -1), rtol=0, atol=1e-5)
    back = edit.model_copy(update={"amount": -1.5})
    torch.testing.assert_close(model.picture(Look(edits=(edit, back))), model.picture(Look()), rtol=0, atol=1e-4)


@pytest.mark.parametrize("noise_mode", ["const", "random"])
def test_noise_of_single_layers(noise_mode: str) -> None:
    model = noisy()
    every = frozenset(model.noise_layers)
    assert len(every) == len(noise_maps(model.generator)) > 2
    before = {name: value.clone() for name, value in model.generator.state_dict().items()}
    none = model.picture(Look(noise_mode="none"))
    assert torch.equal(model.picture(Look(noise_mode=noise_mode, silent=every)), none)
    one = model.picture(Look(noise_mode=noise_mode, silent=every - {model.noise_layers[-1]}))
    assert not torch.equal(one, none)
    assert not torch.equal(one, model.picture(Look(noise_mode=noise_mode)))
    assert all(torch.equal(value, before[name]) for name, value in model.generator.state_dict().items())


def test_a_layer_s_map_has_the_droplet_score_of_the_analysis(model: Explored) -> None:
    look, layer = Look(seed=2), model.layers[-2]
    found = model.layer_map(look, layer)
    with model.subject.tap([layer]) as seen:
        image = model.picture(look)
    assert found.score == pytest.approx(float(Peaks.of(seen[layer]).score))
    assert found.values.max() == found.values[tuple(map(int, found.place))]
    assert f"{found.score:.3g}" in found.figure(image).tiles[0][1].note
    with pytest.raises(GancoreError, match="no layer 'b99'"):
        model.layer_map(look, "b99")


def labelled(examples: Tensor | None = None) -> Explored:
    generator = style_generator(16)
    generator.interface = Interface(16, 3, 3)
    generator.mapping = Latent(3)
    generator.num_ws, generator.w_dim = 1, generator.z_dim + 3
    generator.synthesis.forward = lambda ws, how: (ws[:, 0, -3:, None, None].expand(-1, -1, 16, 16),)
    generator.examples = examples
    return Explored(generator, "labelled", CPU)


def test_labels_by_number_and_as_vectors() -> None:
    model = labelled()
    assert model.picture(Look(label=2))[:, 0, 0].tolist() == [0, 0, 1]
    assert model.picture(Look(label_vector=(0.5, 0.25, 0.0)))[:, 0, 0].tolist() == [0.5, 0.25, 0]
    vectors = labelled(torch.tensor([[0.0, 0.5, 0.5], [1.0, 0.0, 0.25]]))
    assert vectors.picture(Look(label=1))[:, 0, 0].tolist() == [1, 0, 0.25]
    with pytest.raises(GancoreError, match="2 numbers, and labelled takes 3"):
        model.picture(Look(label_vector=(1.0, 0.0)))
    with pytest.raises(GancoreError, match="classes 0 to 2"):
        model.picture(Look(label=3))


GENERATORS = names("generator")


@pytest.mark.parametrize("name", sorted(case[0] for case in diagonal(GENERATORS[::4])))
def test_some_generators_of_the_registry(name: str) -> None:
    offers_or_says_why(subject_of(name).generator)


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_of_the_registry(name: str) -> None:
    offers_or_says_why(subject_of(name).generator)


def offers_or_says_why(generator: Generator) -> None:
    """Every control works or is absent with a reason."""
    model = Explored(generator, "model", CPU)
    own = model.picture(Look())
    assert torch.equal(own, sample(model, 0))
    assert all(len(reason) > 10 for reason in model.absent.values())
    changes = {
        "truncation": Look(truncation_psi=0.2),
        "crossover": Look(blend=1.0, crossover=1),
        "styles": Look(edits=(StyleEdit(amount=3.0, last=99),)),
    }
    for control, look in changes.items():
        if control in model.absent:
            assert control == "crossover" or torch.equal(model.picture(model.suited(look)), own)
        else:
            assert model.picture(model.suited(look)).isfinite().all()
            assert not torch.equal(model.ws(look), model.ws(Look()))
    if "layers" not in model.absent:
        assert model.layer_map(Look(), model.layers[0]).score >= 0


def test_a_network_of_plain_modules_from_elsewhere() -> None:
    """It draws its noise itself, at one place, and has one w."""
    old = load_local({"generator": {"mine": f"{OLD}:OldStyle"}}, Path(), requested=True)
    (spec,) = old
    plugin = spec.load()
    generator = plugin(plugin.Config(), Interface(16, 3), without_normalization).eval()
    offers_or_says_why(generator)
    model = Explored(generator, "old", CPU)
    assert "not stored layer by layer" in model.absent["noise by layer"]
    assert {"noise", "layers"}.isdisjoint(model.absent)
    assert not torch.equal(model.picture(Look(noise_mode="random")), model.picture(Look()))


def test_values_that_are_none() -> None:
    for values, where in (
        ({"seed": -1}, "seed"),
        ({"seed": None}, "seed"),
        ({"truncation_psi": float("nan")}, "truncation_psi"),
        ({"noise_mode": "loud"}, "noise_mode"),
        ({"edits": [{"first": 3, "last": 1}]}, "edits 0"),
        ({"unknown": 1}, "unknown"),
    ):
        with pytest.raises(GancoreError, match=where):
            look_of(values)
    assert vector_of("0.5, 1 2") == (0.5, 1, 2)
    assert vector_of(" ") is None
    with pytest.raises(GancoreError, match="label vector"):
        vector_of("a")


def test_a_projection_step_by_step(model: Explored) -> None:
    projector = Projector(model)
    target = model.picture(Look(seed=4))
    *_, last = steps = list(projector.steps(target, 3, "w"))
    assert [found.step for found in steps] == [0, 1, 2]
    assert last.ws.shape == (model.generator.num_ws, model.generator.w_dim)
    shown = model.picture(Look(seed=4), last.ws)
    assert torch.equal(shown, model.picture(Look(seed=9), last.ws)), "the seed does not count any more"
    assert not torch.equal(shown, model.picture(Look(other=1, blend=1.0, crossover=2), last.ws))


def test_features_that_are_not_there_are_told_at_the_start(model: Explored) -> None:
    Projector(model).check()
    with pytest.raises(GancoreError, match="nothing"):
        Projector(model, ["nothing"]).check()


def test_uploads_that_cannot_be_used(model: Explored, monkeypatch: pytest.MonkeyPatch) -> None:
    projector = Projector(model)
    with pytest.raises(GancoreError, match="not an image of a kind"):
        projector.target(b"no image")
    with pytest.raises(GancoreError, match="an empty file"):
        projector.target(b"")
    with pytest.raises(GancoreError, match="larger than 32 MiB"):
        projector.target(bytes(LARGEST + 1))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(GancoreError, match="decompression bomb"):
        projector.target((Path(FIXTURE) / "samples").glob("*.png").__next__().read_bytes())


def test_without_gradio_a_line_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["explore", str(FIXTURE)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "pip install 'gancore[explore]'" in told


def test_a_port_in_use_is_told() -> None:
    with listening("127.0.0.1", 0) as door, pytest.raises(GancoreError, match="--port 0 takes any free port"):
        listening("127.0.0.1", door.getsockname()[1])
