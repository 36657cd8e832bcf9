"""Topologies, driven from the registry: sizes, names, ws, sites, labels, growth, copies."""

import copy
from typing import Any

import pytest
import torch
from support.fakes import FakeDraw
from torch import Tensor, nn

from gancore.contracts import Context, Discriminator, Generator, Interface, Normalization, PluginConfig, Site, Stage
from gancore.discovery import discover
from gancore.errors import PluginError
from gancore.nn import attach_weight_normalization
from gancore.nn.layers import Conv2d
from gancore.nn.style import StyleConv, ToRGB
from gancore_plugins.normalization.demod import Demod
from gancore_plugins.normalization.instance import InstanceNorm
from gancore_plugins.normalization.none import NoNormalization
from gancore_plugins.normalization.spectral import SpectralNorm

TOPOLOGIES = ("original", "skip", "residual")
SMALL: dict[str, Any] = {"channels": {"base": 64, "max": 8}, "mapping": {"layers": 2}}


def demod(site: Site) -> Normalization:
    return Demod(Demod.Config(), site)


def none(site: Site) -> Normalization:
    return NoNormalization(PluginConfig(), site)


def generator(name: str, interface: Interface, normalize: Any = demod, **options: Any) -> Generator:
    cls = discover().get("generator", name).load()
    return cls(cls.Config(**{"z_dim": 8, "w_dim": 8, **SMALL, **options}), interface, normalize)


def discriminator(name: str, interface: Interface, normalize: Any = none, **options: Any) -> Discriminator:
    cls = discover().get("discriminator", name).load()
    return cls(cls.Config(**{**SMALL, **options}), interface, normalize)


# --- sizes ---------------------------------------------------------------------------------------------------------


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("base", "resolution", "skip_G", "residual_D"),
    [
        (16384, 64, 23_819_544, 23_407_361),
        (32768, 64, 27_032_600, 26_488_833),
        (16384, 256, 24_767_458, 24_001_089),
        (32768, 256, 30_034_338, 28_864_129),
        (16384, 1024, 24_900_764, 24_038_161),
        (32768, 1024, 30_370_060, 29_012_513),
    ],
)
def test_parameter_counts_of_configs_e_and_f(base: int, resolution: int, skip_G: int, residual_D: int) -> None:
    paper = {"channels": {"base": base, "max": 512}, "mapping": {"layers": 8}}
    with torch.device("meta"):
        G = generator("skip", Interface(resolution, 3), z_dim=512, w_dim=512, **paper)
        D = discriminator("residual", Interface(resolution, 3), **paper)
    assert (parameters(G), parameters(D)) == (skip_G, residual_D)


def test_parameter_counts_of_the_other_topologies_at_1024() -> None:
    paper = {"channels": {"base": 16384, "max": 512}, "mapping": {"layers": 8}}
    io = Interface(1024, 3)
    with torch.device("meta"):
        G = [parameters(generator(name, io, z_dim=512, w_dim=512, **paper)) for name in ("original", "residual")]
        D = [parameters(discriminator(name, io, **paper)) for name in ("original", "skip")]
    assert G == [23_596_292, 24_557_316]
    assert D == [23_077_137, 23_087_249]


@pytest.mark.parametrize("resolution", [4, 8, 1024])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_any_power_of_two(name: str, resolution: int) -> None:
    """On the meta device, where shapes are computed and nothing else is; `num_ws` as in the paper."""
    io = Interface(resolution, 2, 5)
    with torch.device("meta"):
        G, D = generator(name, io), discriminator(name, io)
        image = G(torch.randn(2, 8), torch.randn(2, 5))
        (logits,) = D((image,), torch.randn(2, 5))
    assert image.shape == (2, 2, resolution, resolution)
    assert logits.shape == (2,)
    assert G.num_ws == 2 * (resolution.bit_length() - 1) - 2


@pytest.mark.parametrize("resolution", [12, 2, 2048])
def test_other_resolutions_are_refused_with_the_next_one(resolution: int) -> None:
    for kind in ("generator", "discriminator"):
        cls = discover().get(kind, "skip").load()
        (problem,) = cls.problems(cls.Config(), Context(Interface(resolution, 3), 4))
        assert f"resolution {resolution} is not a power of two" in problem


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("labels", [0, 3])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_channels_and_labels(name: str, labels: int, channels: int) -> None:
    torch.manual_seed(0)
    io = Interface(16, channels, labels)
    G, D = generator(name, io), discriminator(name, io)
    z, label = torch.randn(3, 8), torch.eye(3) if labels else None
    image = G(z, label)
    assert image.shape == (3, channels, 16, 16)
    (logits,) = D((image,), label)
    if label is not None:
        other = label.roll(1, 0)
        assert not torch.allclose(G(z, other), image)
        assert not torch.allclose(D((image,), other)[0], logits)
        with pytest.raises(ValueError, match="labels"):
            G(z)


# --- sites and ws --------------------------------------------------------------------------------------------------


class Sentinel(Normalization):
    """Marks what passes through it."""

    seen: set[str] = set()  # noqa: RUF012

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        Sentinel.seen.add(self.site.name)
        return y


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_convolution_but_torgb_and_skips_is_normalized(name: str) -> None:
    Sentinel.seen.clear()
    sites: list[Site] = []

    def normalize(site: Site) -> Normalization:
        sites.append(site)
        return Sentinel(PluginConfig(), site)

    G = generator(name, Interface(32, 3), normalize)
    G(torch.randn(2, 8))
    convolutions = {n for n, m in G.synthesis.named_modules() if isinstance(m, StyleConv)}
    others = {n.split(".")[1] for n, m in G.synthesis.named_modules() if isinstance(m, Conv2d | ToRGB)}
    assert convolutions == Sentinel.seen == {site.name for site in sites}
    assert others <= {"torgb", "skip"}
    assert [site.index for site in sites] == list(range(len(sites)))
    assert {site.total for site in sites} == {len(sites)}
    assert all(site.styled and site.network == "generator" for site in sites)
    for site in sites:
        assert G.synthesis.get_submodule(site.name).weight.shape[:2] == (site.c_out, site.c_in)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_discriminator_layers_are_normalized_and_told_of_parts(name: str) -> None:
    torch.manual_seed(0)
    sites: list[Site] = []

    def normalize(site: Site) -> Normalization:
        sites.append(site)
        return InstanceNorm(InstanceNorm.Config(), site)

    D = discriminator(name, Interface(16, 3), normalize)
    assert [site.name for site in sites] == ["b16.conv0", "b16.conv1", "b8.conv0", "b8.conv1", "b4.conv"]
    assert {site.total for site in sites} == {5}
    a, b = torch.randn(2, 4, 3, 16, 16)
    (together,) = D((torch.cat([a, b]),), parts=2)
    assert torch.allclose(together, torch.cat([D((a,))[0], D((b,))[0]]), atol=1e-5)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_w_reaches_the_image_and_torgb_shares_the_next_one(name: str) -> None:
    torch.manual_seed(0)
    G = generator(name, Interface(16, 3))
    ws = torch.randn(1, G.num_ws, 8, requires_grad=True)
    (grad,) = torch.autograd.grad(G.synthesis(ws, noise_mode="none")[-1].square().sum(), ws)
    assert (grad.abs().amax(2) > 0).all()
    indices = {n: m.w_index for n, m in G.synthesis.named_modules() if isinstance(m, StyleConv | ToRGB)}
    assert indices["b16.torgb"] == indices["b16.conv1"] + 1 == G.num_ws - 1
    if name == "skip":
        assert indices["b4.torgb"] == indices["b8.conv0"]


# --- options of the style block ------------------------------------------------------------------------------------


def test_stylegan_like_options_give_its_layers() -> None:
    """Constant of ones with its own layer, noise per channel, gain in the weight, box and blur, plain toRGB."""
    options = {"noise": "channel", "const": "ones", "const_layer": True, "gain": "weight", "torgb_modulated": False,
               "resampling": "box", "resample_filter": [1, 2, 1]}  # fmt: skip
    G = generator("original", Interface(16, 3), lambda s: InstanceNorm(InstanceNorm.Config(), s), **options)
    assert G.num_ws == 2 * 4 - 2  # one w a layer, none for toRGB
    state = G.state_dict()
    assert torch.equal(state["synthesis.b4.const"], torch.ones(8, 4, 4))
    assert state["synthesis.b4.const_layer.noise_strength"].shape == (8,)
    assert state["synthesis.b8.conv0.affine.weight"].shape == (16, 8)
    assert state["synthesis.b8.conv0.affine.bias"].tolist() == [1.0] * 8 + [0.0] * 8
    assert "synthesis.b16.torgb.affine.weight" not in state
    assert G(torch.randn(2, 8), noise_mode="random").shape == (2, 3, 16, 16)


def test_a_statistic_does_not_hide_the_latent() -> None:
    torch.manual_seed(0)
    G = generator("skip", Interface(16, 3), lambda s: InstanceNorm(InstanceNorm.Config(), s))
    a, b = G(torch.randn(2, 8))
    assert (a - b).std() > 0.01 * a.std()


@pytest.mark.parametrize("normalize", [demod, none])
def test_a_constant_layer_uses_all_its_parameters_and_takes_weight_normalization(normalize: Any) -> None:
    G = generator("original", Interface(8, 3), normalize, const_layer=True)
    attach_weight_normalization(G, lambda shape: SpectralNorm(SpectralNorm.Config(), shape))
    G(torch.randn(2, 8), noise_mode="random").square().sum().backward()
    assert not [name for name, p in G.named_parameters() if p.grad is None]


def test_a_discriminator_layer_has_no_style_to_give() -> None:
    with pytest.raises(PluginError, match=r"Demod takes a style, and b8\.conv0 has none"):
        discriminator("original", Interface(8, 3), demod)


def test_noise_can_be_left_out() -> None:
    G = generator("skip", Interface(16, 3), noise="none")
    assert not [name for name in G.state_dict() if "noise" in name]
    ws = torch.randn(1, G.num_ws, 8)
    assert torch.equal(G.synthesis(ws)[-1], G.synthesis(ws)[-1])


def test_random_noise_comes_from_the_draw() -> None:
    G = generator("skip", Interface(16, 3))
    for name, parameter in G.named_parameters():
        if name.endswith("noise_strength"):
            nn.init.ones_(parameter)
    ws = torch.randn(2, G.num_ws, 8)
    images = [G.synthesis(ws, draw=FakeDraw(2, seed))[-1] for seed in (0, 0, 1)]
    assert torch.equal(images[0], images[1])
    assert not torch.allclose(images[0], images[2])


# --- growth --------------------------------------------------------------------------------------------------------


def test_a_skip_generator_grows_without_a_jump() -> None:
    torch.manual_seed(0)
    G = generator("skip", Interface(32, 3))
    ws = torch.randn(2, G.num_ws, 8)

    def image(stage: Stage | None) -> Tensor:
        return G.synthesis(ws, noise_mode="const", stage=stage)[-1]

    before, start, end = image(Stage(16)), image(Stage(32, 0.0)), image(Stage(32, 1.0))
    assert before.shape[-1] == 16
    assert torch.allclose(start, G.synthesis.upsample(before), atol=1e-6)
    assert torch.equal(end, image(None))


def test_topologies_with_one_image_refuse_to_grow() -> None:
    G, D = generator("original", Interface(16, 3)), discriminator("residual", Interface(16, 3))
    with pytest.raises(PluginError, match="cannot grow"):
        G.synthesis(torch.randn(1, G.num_ws, 8), stage=Stage(8))
    with pytest.raises(PluginError, match="cannot grow"):
        D((torch.randn(1, 3, 8, 8),), stage=Stage(8))


# --- w_avg, copies, precision --------------------------------------------------------------------------------------


def test_w_avg_moves_once_a_step_by_the_mean_of_its_microbatches() -> None:
    torch.manual_seed(0)
    mapping = generator("skip", Interface(16, 3)).mapping
    z = torch.randn(8, 8)
    for half in z.chunk(2):
        mapping(half, update_emas=True)
    mapping(z)  # not noted
    mapping.end_step(lambda values: values)
    expected = 0.005 * mapping(z)[:, 0].mean(0)
    assert torch.allclose(mapping.w_avg, expected, atol=1e-7)
    mapping.end_step(lambda values: values)
    assert torch.allclose(mapping.w_avg, expected, atol=1e-7)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_copies_are_independent_and_equal(name: str) -> None:
    G = generator(name, Interface(16, 3))
    twin, z = copy.deepcopy(G), torch.randn(2, 8)
    assert torch.equal(twin(z), G(z))
    with torch.no_grad():
        G.synthesis.b4.const.add_(1)
    assert not torch.equal(twin(z), G(z))


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_autocast_is_near(name: str) -> None:
    torch.manual_seed(0)
    io = Interface(16, 3, 3)
    G, D = generator(name, io), discriminator(name, io)
    z, label = torch.randn(3, 8), torch.eye(3)
    exact = G(z, label)
    with torch.autocast("cpu", torch.bfloat16):
        image = G(z, label)
        (logits,) = D((exact.detach(),), label)
    assert (image.dtype, logits.dtype) == (torch.float32, torch.float32)
    assert torch.nn.functional.cosine_similarity(image.flatten(), exact.flatten(), dim=0) > 0.999
    assert torch.allclose(logits, D((exact,), label)[0], atol=0.1)
    (image.square().mean() + logits.mean()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in G.parameters())
