"""LAPGAN: levels that share nothing, residuals to the real coarse image, sampling from coarse to fine."""

import pytest
import torch
from support.fakes import FakeDraw
from support.presets import assert_constants, composed, shrunk, small, trainer_of
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.composition import GAN, compose
from gancore.config import load_experiment
from gancore.contracts import Images, Interface
from gancore.errors import ConfigError

CONSTANTS = {  # the CIFAR code
    "generator.kernels": [7, 7, 5],
    "generator.maps": 64,
    "generator.coarse": "real",
    "generator.latent": "uniform",
    "discriminator.coarsest": 8,
    "training.batch": 128,
    "training.optimizer.use": "sgd",
    "training.optimizer.lr": 0.02,
    "training.optimizer.momentum": 0.5,
}


def test_constants() -> None:
    assert_constants("lapgan", CONSTANTS)


def lapgan() -> tuple[GAN, Images, Tensor]:
    """Two levels, 8x8 and 16x16, with real images and ws."""
    gan = small("lapgan")
    G = gan.generator
    ws = G.mapping(G.sample_z(FakeDraw(4)))
    return gan, G.reals(torch.randn(4, 3, 16, 16)), ws


def fakes(gan: GAN, reals: Images, ws: Tensor) -> Images:
    return gan.generator.fakes(ws, lambda: reals, None, FakeDraw(4))


def test_lapgan_has_a_latent_and_a_plane_of_noise_for_each_finer_level() -> None:
    with torch.device("meta"):
        gan = composed("lapgan")
    assert gan.generator.z_dim == 100 + 16 * 16 + 32 * 32
    level, judge = gan.generator.synthesis.b32, gan.discriminator.b32
    shapes = [tuple(level.get_submodule(f"conv{i}").weight.shape) for i in range(3)]
    assert shapes == [(64, 4, 7, 7), (64, 64, 7, 7), (3, 64, 5, 5)]
    assert [tuple(conv.weight.shape) for conv in (judge.conv0, judge.conv1)] == [(64, 3, 5, 5), (64, 64, 5, 5)]
    assert judge.out.weight.shape == (1, 64 * 16 * 16)


def test_lapgan_paints_a_residual_to_the_real_coarse_image() -> None:
    gan, reals, ws = lapgan()
    level = gan.generator.synthesis.b16
    enlarged = F.interpolate(reals[0], scale_factor=2, mode="bilinear")
    plane = ws[:, 0, -256:].view(4, 1, 16, 16)
    x = torch.cat([enlarged, plane], dim=1)
    for i in range(2):
        layer = level.get_submodule(f"conv{i}")
        x = F.relu(F.conv2d(x, layer.weight, layer.bias, padding=3))
    residual = F.conv2d(x, level.conv2.weight, level.conv2.bias, padding=2)
    assert torch.allclose(fakes(gan, reals, ws)[1], enlarged + residual, atol=1e-5)
    with torch.no_grad():
        level.conv2.weight.zero_()
    assert torch.allclose(fakes(gan, reals, ws)[1], enlarged)


def test_lapgan_samples_from_coarse_to_fine() -> None:
    gan, reals, ws = lapgan()
    coarse, fine = gan.generator.synthesis(ws)
    assert torch.equal(coarse, fakes(gan, reals, ws)[0])
    assert torch.equal(fine, fakes(gan, (coarse, reals[1]), ws)[1])
    assert not torch.allclose(fine, fakes(gan, reals, ws)[1])


def touched(loss: Tensor, network: nn.Module) -> set[str]:
    """The levels whose parameters a loss reaches."""
    gradients = torch.autograd.grad(loss, list(network.parameters()), allow_unused=True, retain_graph=True)
    found = zip(network.named_parameters(), gradients, strict=True)
    return {next(p for p in name.split(".") if p[1:].isdigit()) for (name, _), g in found if g is not None and g.any()}


def test_lapgan_levels_share_nothing() -> None:
    gan, reals, ws = lapgan()
    images = fakes(gan, reals, ws)
    heads = gan.discriminator(images)
    assert len(heads) == 2
    for level, image, head in zip(("b8", "b16"), images, heads, strict=True):
        assert touched(image.square().sum(), gan.generator) == {level}
        assert touched(head.sum(), gan.generator) == {level}
        assert touched(head.sum(), gan.discriminator) == {level}


def test_lapgan_judges_the_sum_and_adds_up_over_levels() -> None:
    trainer = trainer_of("lapgan")
    phase = next(phase for phase in trainer.phases if phase.network == "discriminator")
    D = trainer.gan.discriminator
    seen: list[Images] = []
    D.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    logits: list[tuple[Tensor, ...]] = []
    D.register_forward_hook(lambda _, args, out: logits.append(out))
    loss = trainer.gradients(phase)
    reals = [image[:4] for image in seen[0]]
    assert torch.allclose(reals[0], F.avg_pool2d(reals[1], 2), atol=1e-6)
    halves = [head.chunk(2) for head in logits[0]]
    expected = sum((F.softplus(-real) + F.softplus(fake)).mean() for real, fake in halves)
    assert torch.allclose(loss, expected)


def test_lapgan_discriminator_makes_the_scales_it_is_not_given() -> None:
    D = small("lapgan").discriminator.eval()
    image = torch.randn(2, 3, 16, 16)
    for alone, both in zip(D((image,)), D((F.avg_pool2d(image, 2), image)), strict=True):
        assert torch.allclose(alone, both)


def test_lapgan_levels_need_a_discriminator_each_or_train_as_one() -> None:
    mapping = shrunk("lapgan").to_dict()
    overrides = ["discriminator.use=residual"]
    with pytest.raises(ConfigError, match="choose coarse: generated, or discriminator lapgan"):
        load_experiment(mapping, overrides)
    gan = compose(load_experiment(mapping, [*overrides, "generator.coarse=generated"]), Interface(16, 3))
    G = gan.generator
    ws = G.mapping(G.sample_z(FakeDraw(4)))
    assert touched(fakes(gan, G.reals(torch.randn(4, 3, 16, 16)), ws)[1].sum(), G) == {"b8", "b16"}
