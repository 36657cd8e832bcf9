"""StyleGAN3: published constants, the order of calls in a layer, and what alias-free layers keep."""

import math
from typing import Any

import pytest
import torch
from support.fakes import made
from support.presets import preset
from support.small import experiment_of
from support.tiny import trainer_for
from torch import Tensor

from gancore.composition import compose
from gancore.contracts import Interface, Site, value_at
from gancore_plugins.generators.alias_free import AliasFree, layer
from gancore_plugins.generators.alias_free.options import AliasFreeConfig
from gancore_plugins.normalization.demod import Demod
from gancore_plugins.optimizers.adam import Adam

GAMMA = {128: 0.5, 256: 2.0, 512: 8.0, 1024: 32.0}
"""R1 of the published configurations."""


def generator(resolution: int, dtype: torch.dtype = torch.float32, **options: Any) -> AliasFree:
    torch.manual_seed(0)
    cfg = AliasFreeConfig(z_dim=8, w_dim=8, channels={"base": 256, "max": 8}, **options)
    return AliasFree(cfg, Interface(resolution, 3), lambda site: Demod(Demod.Config(), site)).to(dtype)


# --- Presets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_training_constants(name: str) -> None:
    experiment = preset(name)
    options = experiment.to_dict()
    assert options["loss"] == {"use": "non_saturating"}
    assert list(options["regularizers"]) == ["r1"]  # no path length, no style mixing
    r1 = options["regularizers"]["r1"]
    assert r1["interval"] == 16
    assert r1["gamma"] == pytest.approx(GAMMA[1024], rel=0.03)  # the paper's own runs: 32.8
    training = experiment.training
    d, g = training.optimizer.cfg, training.generator_optimizer.cfg
    assert isinstance(d, Adam.Config)
    assert isinstance(g, Adam.Config)
    assert (g.lr, d.lr, g.betas, d.betas) == (0.0025, 0.002, (0.0, 0.99), (0.0, 0.99))
    assert (training.batch, training.kimg) == (32, 25000)
    assert (training.ema.halflife_kimg, training.ema.rampup) == (10, 0.05)
    G = options["generator"]
    assert G["mapping"]["layers"] == 2
    assert G["mapping"]["w_avg_decay"] == 0.998
    assert G["magnitude_decay"] == pytest.approx(0.5 ** (training.batch / 20_000), abs=1e-6)
    assert (G["layers"], G["critical_layers"], G["margin"], G["output_scale"]) == (14, 2, 10, 0.25)
    assert options["discriminator"]["use"] == "residual"
    assert options["discriminator"]["channels"] == {"base": 32768, "max": 512, "each": None}


def test_gamma_follows_the_number_of_pixels() -> None:
    assert {r: gamma / r**2 for r, gamma in GAMMA.items()} == dict.fromkeys(GAMMA, 0.5 / 128**2)


def test_r_is_t_with_rotation() -> None:
    t, r = preset("stylegan3-t").to_dict(), preset("stylegan3-r").to_dict()
    changed = {key for key in r["generator"] if r["generator"][key] != t["generator"][key]}
    assert changed == {"kernel_size", "radial_filters", "channels"}
    assert (t["generator"]["kernel_size"], r["generator"]["kernel_size"]) == (3, 1)
    assert all(r["generator"]["channels"][key] == 2 * t["generator"]["channels"][key] for key in ("base", "max"))
    assert {key for key in r if r[key] != t[key]} == {"name", "generator", "augmentation"}
    sigma = preset("stylegan3-r").augmentation.cfg.sigma  # type: ignore[union-attr]
    fade = preset("stylegan3-r").training.batch * 200 / 32
    assert [value_at(sigma, kimg) for kimg in (0, fade / 2, fade, 2 * fade)] == [10, 5, 0, 0]


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_size_of_the_paper(name: str) -> None:
    with torch.device("meta"):
        G = compose(preset(name), Interface(1024, 3)).generator
    assert G.num_ws == 16
    parameters = sum(p.numel() for p in G.parameters())
    radial = [len(getattr(G.synthesis, at).filtered.down_filter.shape) == 2 for at in G.synthesis.layers[:-1]]
    assert radial == ([True] * 12 + [False] * 2 if name == "stylegan3-r" else [False] * 14)
    assert name != "stylegan3-t" or round(parameters / 1e6, 1) == 22.3


# --- A layer -------------------------------------------------------------------------------------------------------


def test_order_of_calls_in_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    G = generator(32, layers=4)
    seen: list[str] = []
    for name in ("conv2d", "upfirdn2d", "bias_act"):
        function = getattr(layer, name)

        def watched(*args: Any, name: str = name, function: Any = function, **kwargs: Any) -> Tensor:
            seen.append(name + (" up" if kwargs.get("up", 1) > 1 else " down" if kwargs.get("down", 1) > 1 else ""))
            return function(*args, **kwargs)

        monkeypatch.setattr(layer, name, watched)
    G(torch.randn(2, 8))
    assert seen == ["conv2d", "upfirdn2d up", "bias_act", "upfirdn2d down"] * 4


def test_a_layer_keeps_constants_constant() -> None:
    """Filters have gain 1 where nothing is cut off: a constant map passes as lrelu(constant) far from the edges."""
    G = generator(32, torch.float64, layers=4)
    x = torch.ones(1, 1, 40, 40, dtype=torch.float64)
    filtered = G.synthesis.L0_36_8.filtered
    middle = filtered(x)[0, 0, 10:-10, 10:-10]
    # the phases of the upsampling filter sum to 1 only as well as its stopband is deep
    assert torch.allclose(middle, torch.full_like(middle, math.sqrt(2)), rtol=1e-3)


@pytest.mark.parametrize("kind", ["none", "instance", "pixel", "batch", "pin", "adain"])
def test_the_latent_reaches_the_image_with_any_normalization(kind: str) -> None:
    cfg = AliasFreeConfig(z_dim=8, w_dim=8, channels={"base": 64, "max": 8}, layers=3)

    def normalize(site: Site) -> Any:
        return made("normalization", kind, site)

    torch.manual_seed(0)
    G = AliasFree(cfg, Interface(16, 3), normalize)
    image = G(torch.randn(2, 8))
    assert image.shape == (2, 3, 16, 16)
    assert not torch.allclose(image[0], image[1])


def test_prenormalization_does_not_show_behind_demodulation() -> None:
    """Unit weights and styles are for half precision: demodulation divides their scale out."""
    z = torch.randn(3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    with_, without = (generator(16, torch.float64, layers=3, prenormalize=choice) for choice in (True, False))
    assert torch.allclose(with_(z), without(z), rtol=1e-6, atol=1e-9)  # eps of demodulation, 1e-8, is in the way


# --- Equivariance --------------------------------------------------------------------------------------------------


def test_input_follows_a_translation_exactly() -> None:
    """The features are defined everywhere, so a shift by a pixel shows the neighbour; float64, arguments below 100."""
    source = generator(32, torch.float64).synthesis.input
    w = torch.randn(2, 8, dtype=torch.float64)
    before = source(w)
    source.transform[0, 2] = 3 / source.sampling_rate
    source.transform[1, 2] = 1 / source.sampling_rate
    assert (source(w)[:, :, :-1, :-3] - before[:, :, 1:, 3:]).abs().max() < 1e-12


def test_a_quarter_turn_of_the_input() -> None:
    """transform is in the image's coordinates: x right, y down."""
    source = generator(32, torch.float64).synthesis.input
    w = torch.randn(2, 8, dtype=torch.float64)
    before = source(w)
    source.transform[:2, :2] = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    assert (source(w) - before.rot90(1, (2, 3))).abs().max() < 1e-12


@pytest.mark.parametrize("options", [{}, {"kernel_size": 1, "radial_filters": True}], ids=["t", "r"])
def test_image_follows_a_translation_of_the_input(options: dict[str, Any]) -> None:
    """By whole pixels of the coarsest layer, which are whole pixels of all: exact but for rounding, where no edge is
    seen. Two layers see 13 of the 18 pixels from the middle of the input to its edge, so 4 around the middle are free.
    """
    G = generator(32, torch.float64, layers=2, critical_layers=1, **options)
    ws = torch.randn(1, G.num_ws, 8, dtype=torch.float64)
    (before,) = G.synthesis(ws)
    G.synthesis.input.transform[0, 2] = 2 / 16
    (after,) = G.synthesis(ws)
    moved = slice(16, 20)  # 2 of 16 pixels are 4 of 32
    here = slice(12, 16)
    error = (after[:, :, here, here] - before[:, :, here, moved]).abs().max()
    assert error < 1e-11 * before.abs().max()
    assert (after[:, :, here, here] - before[:, :, here, here]).abs().max() > 1e-3 * before.abs().max()


# --- Training ------------------------------------------------------------------------------------------------------


def test_magnitudes_move_once_a_step_and_the_average_has_them() -> None:
    experiment = experiment_of("alias_free", "residual", training__microbatch=2)
    trainer = trainer_for(experiment)
    name = trainer.gan.generator.synthesis.layers[1]
    ours = getattr(trainer.gan.generator.synthesis, name)
    trainer.step()
    assert ours.magnitude_ema != 1
    assert abs(float(ours.magnitude_ema) - 1) < 0.1  # one step of weight 0.001
    assert torch.equal(getattr(trainer.ema.synthesis, name).magnitude_ema, ours.magnitude_ema)


def test_magnitude_is_a_buffer_that_only_training_moves() -> None:
    G = generator(16, layers=3)
    before = {name: buffer.clone() for name, buffer in G.named_buffers()}
    G(torch.randn(2, 8))
    for part in G.modules():
        if isinstance(part, layer.MeasuredInput):
            part.end_step(lambda value: value)
    assert all(torch.equal(buffer, before[name]) for name, buffer in G.named_buffers())
