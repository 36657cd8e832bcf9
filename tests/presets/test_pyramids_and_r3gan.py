"""MSG-GAN, MSG-StyleGAN and R3GAN: their published constants, the order of calls in a block, how they start."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch
from support.fakes import FakeStep, made
from support.fakes import pyramid as random_pyramid
from support.small import experiment_of, train_watching_gradients
from support.tiny import trainer_for
from torch import Tensor, nn

from gancore.composition import GAN, compose
from gancore.config import Experiment, load_experiment
from gancore.contracts import Interface, value_at
from gancore.training.step.ema import ema_decay
from gancore_plugins.optimizers.adam import Adam


@cache
def preset(name: str) -> Experiment:
    return load_experiment(f"preset:{name}")


def options(experiment: Experiment, *path: str) -> Any:
    at: Any = experiment.to_dict()
    for key in path:
        at = at[key]
    return at


def built(name: str, resolution: int, device: str = "meta") -> GAN:
    with torch.device(device):
        return compose(preset(name), Interface(resolution, 3))


@contextmanager
def calls(network: nn.Module) -> Iterator[list[str]]:
    """Names of the modules that have no children, and of those that do something themselves, in order of calls."""
    seen: list[str] = []
    hooks = [
        module.register_forward_pre_hook(lambda _m, _i, name=name: seen.append(name))
        for name, module in network.named_modules()
        if name and not name.endswith("weight_normalization")
    ]
    yield seen
    for hook in hooks:
        hook.remove()


def layers_called(network: nn.Module, block: str, *arguments: Any) -> list[str]:
    with calls(network) as seen:
        network(*arguments)
    inside = [name.removeprefix(f"{block}.") for name in seen if name.startswith(f"{block}.")]
    return [name for name in inside if not name.endswith("normalization")]


# --- MSG-GAN -------------------------------------------------------------------------------------------------------


def test_constants_of_msg_gan() -> None:
    experiment = preset("msg-gan")
    assert options(experiment, "loss") == {"use": "relativistic", "pairing": "average", "function": "hinge"}
    assert experiment.regularizers == {}
    training = experiment.training
    optimizer = training.optimizer.cfg
    assert isinstance(optimizer, Adam.Config)
    assert (optimizer.lr, optimizer.betas) == (0.003, (0.0, 0.99))
    assert ema_decay(training.ema, training.batch, 0) == 0.999
    assert options(experiment, "generator", "normalize_z") is True


def test_maps_of_msg_gan_are_512_up_to_32() -> None:
    gan = built("msg-gan", 1024)
    blocks = {r: getattr(gan.generator.synthesis, f"b{r}") for r in gan.generator.synthesis.resolutions}
    assert {r: block.conv1.weight.shape[0] for r, block in blocks.items()} == {
        4: 512, 8: 512, 16: 512, 32: 512, 64: 256, 128: 128, 256: 64, 512: 32, 1024: 16,
    }  # fmt: skip
    halves = {r: getattr(gan.discriminator, f"b{r}").fromrgb.weight.shape[0] for r in blocks}
    assert halves == {4: 256, 8: 256, 16: 256, 32: 256, 64: 128, 128: 64, 256: 32, 512: 16, 1024: 16}


def test_order_in_a_block_of_msg_gan() -> None:
    gan = built("msg-gan", 16)
    G, D = gan.generator, gan.discriminator
    assert layers_called(G.synthesis, "b8", torch.zeros(2, 1, G.w_dim, device="meta")) == ["conv0", "conv1", "torgb"]
    images = tuple(image.to("meta") for image in random_pyramid(2, 3, 4, 8, 16))
    assert layers_called(D, "b8", images) == ["fromrgb", "conv0", "conv1"]
    assert layers_called(D, "b4", images) == ["fromrgb", "mbstd", "conv", "fc", "out"]


def test_latents_of_msg_gan_have_length_sqrt_512() -> None:
    mapping = built("msg-gan", 8, "cpu").generator.mapping
    assert torch.allclose(mapping(torch.randn(4, 512)).norm(dim=-1), torch.tensor(512.0).sqrt(), rtol=1e-4)


# --- MSG-StyleGAN --------------------------------------------------------------------------------------------------


def test_constants_of_msg_stylegan() -> None:
    experiment = preset("msg-stylegan")
    assert experiment.loss.use == "non_saturating"
    assert options(experiment, "regularizers") == {
        "r1": {"use": "r1", "gamma": 10, "interval": 1, "scales": "mean"}
    }  # no style mixing
    optimizer, training = experiment.training.optimizer.cfg, experiment.training
    assert isinstance(optimizer, Adam.Config)
    assert (optimizer.lr, optimizer.betas) == (0.003, (0.0, 0.99))
    assert (training.kimg, training.growth) == (25_000, None)


def test_generator_of_msg_stylegan_is_that_of_stylegan_with_more_torgbs() -> None:
    """The same parameters, but for the toRGB layers: StyleGAN's code has them all, too, for growing."""
    ours, theirs = (built(name, 1024).generator.synthesis for name in ("msg-stylegan", "stylegan"))
    shapes, wanted = ({k: p.shape for k, p in network.named_parameters()} for network in (ours, theirs))
    assert shapes == wanted


def test_every_block_of_msg_stylegan_looks_at_the_batch() -> None:
    D = built("msg-stylegan", 16).discriminator
    images = tuple(image.to("meta") for image in random_pyramid(4, 3, 4, 8, 16))
    assert layers_called(D, "b16", images) == ["fromrgb", "mbstd", "conv0", "conv1"]
    assert layers_called(D, "b8", images) == ["combine", "mbstd", "conv0", "conv1"]
    assert layers_called(D, "b4", images) == ["combine", "mbstd", "conv", "fc", "out"]
    assert D.b8.combine.weight.shape == (512, 515, 1, 1)
    assert D.b8.combine.bias is None
    assert D.b8.conv0.weight.shape == (512, 513, 3, 3)


def test_mean_over_scales_is_a_share_of_the_sum() -> None:
    D = nn.Module()
    D.forward = lambda images, label=None: (sum(image.square().sum((1, 2, 3)) for image in images),)  # type: ignore[assignment]
    step = FakeStep(D, random_pyramid(3, 3, 2, 4, 8))
    total, mean = (made("regularizer", "r1", scales=scales).penalty(step) for scales in ("sum", "mean"))
    assert torch.allclose(total, 3 * mean)


# --- both pyramids -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["msg", "pyramid"])
def test_gradients_reach_every_scale(name: str) -> None:
    """The images of all resolutions are judged: each toRGB moves, and each image has its gradient."""
    experiment = experiment_of(name, name)
    trainer = trainer_for(experiment)
    D, G = trainer.gan.discriminator, trainer.gan.generator
    images = tuple(image.requires_grad_() for image in random_pyramid(4, 3, 4, 8, 16))
    gradients = torch.autograd.grad(D(images)[0].sum(), images)
    assert all(gradient.any() for gradient in gradients)
    assert [image.shape[-1] for image in G.synthesis(torch.randn(2, G.num_ws, G.w_dim))] == [4, 8, 16]
    assert all(train_watching_gradients(trainer, steps=2).values())


@pytest.mark.parametrize("name", ["msg", "pyramid"])
def test_reals_are_averages_and_missing_scales_are_made_of_the_finest(name: str) -> None:
    gan = compose(experiment_of(name, name), Interface(16, 3))
    image = torch.randn(4, 3, 16, 16)
    reals = gan.generator.reals(image)
    assert torch.allclose(reals[0], image.unflatten(3, (4, 4)).unflatten(2, (4, 4)).mean((3, 5)), atol=1e-6)
    assert torch.equal(reals[-1], image)
    assert torch.equal(gan.discriminator((image,))[0], gan.discriminator(reals)[0])


@pytest.mark.parametrize("name", ["residual", "bottleneck"])
def test_a_discriminator_of_one_image_takes_the_finest(name: str) -> None:
    gan = compose(experiment_of("pyramid", name), Interface(16, 3))
    images = gan.generator.reals(torch.randn(4, 3, 16, 16))
    assert torch.equal(gan.discriminator(images)[0], gan.discriminator(images[-1:])[0])


# --- R3GAN ---------------------------------------------------------------------------------------------------------


def test_constants_of_r3gan() -> None:
    experiment = preset("r3gan")
    assert options(experiment, "loss") == {"use": "relativistic", "pairing": "paired", "function": "logistic"}
    optimizer, training = experiment.training.optimizer.cfg, experiment.training
    assert isinstance(optimizer, Adam.Config)
    schedules = {
        "lr": (optimizer.lr, 2e-4, 5e-5),
        "beta2": (optimizer.betas[1], 0.9, 0.99),
        "r1": (experiment.regularizers["r1"].cfg.gamma, 150, 15),
        "r2": (experiment.regularizers["r2"].cfg.gamma, 150, 15),
        "p": (experiment.augmentation and experiment.augmentation.cfg.p, 0, 0.3),
        "ema": (training.ema.halflife_kimg, 0, 500),
    }
    for name, (schedule, start, end) in schedules.items():
        at = [value_at(schedule, kimg) for kimg in (0, 10_000, 20_000, 30_000)]
        assert at == pytest.approx([start, (start + end) / 2, end, end]), name
        assert value_at(schedule, 5_000) != pytest.approx(start + (end - start) / 4), f"{name}: a cosine, no line"
    assert optimizer.betas[0] == 0
    assert all(part.cfg.interval == 1 for part in experiment.regularizers.values())


def test_augmentation_of_r3gan_has_colour_at_half_strength() -> None:
    cfg = preset("r3gan").augmentation.cfg  # type: ignore[union-attr]
    geometry = ("xflip", "rotate90", "integer_translation", "scale", "rotation", "anisotropic", "translation", "cutout")
    colour = ("brightness", "contrast", "luma_flip", "hue", "saturation")
    assert {cfg.relative(name) for name in geometry} == {1}
    assert {cfg.relative(name) for name in colour} == {0.5}
    assert {cfg.relative(name) for name in ("filter", "noise")} == {0}


def test_average_that_starts_at_half_life_0_is_the_generator_itself() -> None:
    assert ema_decay(preset("r3gan").training.ema, 256, 0) == 0
    assert 0.99 < ema_decay(preset("r3gan").training.ema, 256, 20_000_000) < 1


def test_widths_and_groups_of_r3gan() -> None:
    gan = built("r3gan", 256)
    levels = {level.resolution: level for level in gan.generator.levels()}  # type: ignore[attr-defined]
    assert [level.width for level in levels.values()] == [768, 768, 768, 768, 384, 192, 96]
    assert [level.groups for level in levels.values()] == [96, 96, 96, 96, 48, 24, 12]
    assert list(gan.discriminator.levels()) == list(levels.values())[::-1]  # type: ignore[attr-defined]
    weights = [name for name, p in gan.generator.named_parameters() if p.ndim == 1]
    assert all(name.endswith(("conv0.bias", "conv1.bias")) for name in weights)


def parameters_of_r3gan(widths: list[int], groups: list[int]) -> int:
    """What the blocks and transitions have in common, counted by hand: hidden maps are twice the width."""
    blocks = sum(
        2 * (2 * w * w + (2 * w) * (2 * w // g) * 9 + 2 * w * w + 4 * w) for w, g in zip(widths, groups, strict=True)
    )
    return blocks + sum(a * b for a, b in pairwise(widths) if a != b)


def test_parameter_counts_of_r3gan() -> None:
    widths, groups = [768, 768, 768, 768, 384, 192, 96], [96, 96, 96, 96, 48, 24, 12]
    inner = parameters_of_r3gan(widths, groups)
    gan = built("r3gan", 256)
    G, D = (sum(p.numel() for p in network.parameters()) for network in (gan.generator, gan.discriminator))
    ends_of_G, ends_of_D = 768 * 16 + 64 * 768 + 96 * 3, 768 * 16 + 768 * 1 + 3 * 96
    assert (inner + ends_of_G, inner + ends_of_D) == (G, D)


def test_order_in_a_block_of_r3gan() -> None:
    gan = built("r3gan", 16)
    inside = [f"blocks.{block}.conv{i}" for block in range(2) for i in range(3)]
    G, D = gan.generator, gan.discriminator
    assert layers_called(G.synthesis, "b16", torch.zeros(2, 1, 64, device="meta")) == ["enter", *inside, "torgb"]
    assert layers_called(D, "b16", (torch.zeros(2, 3, 16, 16, device="meta"),)) == ["fromrgb", *inside, "leave"]


def test_residual_branches_of_r3gan_start_at_zero() -> None:
    gan = built("r3gan", 8, "cpu")
    x = torch.randn(2, 768, 8, 8)
    for network in (gan.generator.synthesis, gan.discriminator):
        assert torch.equal(network.b8(x), x)


def test_variance_of_r3gan_follows_the_number_of_blocks() -> None:
    """std = g / sqrt(fan_in), g = sqrt(2 / 1.04) * V ** (-1/4); V is 4 blocks at 8x8, 14 at 256x256."""
    g = (2 / 1.04) ** 0.5 * 4**-0.25
    block = built("r3gan", 8, "cpu").generator.synthesis.b8.blocks[0]
    assert block.conv0.weight.std().item() == pytest.approx(g / 768**0.5, rel=0.01)
    assert block.conv1.weight.std().item() == pytest.approx(g / (16 * 9) ** 0.5, rel=0.01)


# --- crossing ------------------------------------------------------------------------------------------------------

RPGAN = {"use": "relativistic", "pairing": "paired", "function": "logistic"}
PENALTIES = {name: {"gamma": 1, "interval": 1} for name in ("r1", "r2")}


@pytest.mark.parametrize(
    ("generator", "discriminator", "changes"),
    [
        ("skip", "residual", {"loss": RPGAN, "regularizers": PENALTIES}),  # R3GAN's loss with StyleGAN2's networks
        ("bottleneck", "bottleneck", {"loss": "non_saturating"}),
        ("bottleneck", "bottleneck", {"loss": RPGAN, "regularizers": PENALTIES}),
        ("msg", "residual", {"loss": RPGAN, "regularizers": PENALTIES}),
        ("skip", "pyramid", {}),
    ],
)
def test_crossed_parts_train(generator: str, discriminator: str, changes: dict[str, Any]) -> None:
    experiment = experiment_of(generator, discriminator, **changes)
    trainer = trainer_for(experiment)
    before = [p.clone() for network in trainer.networks.values() for p in network.parameters()]
    trainer.step()
    trainer.step()
    assert trainer.first_bad_step() is None
    after: list[Tensor] = [p for network in trainer.networks.values() for p in network.parameters()]
    assert sum(not torch.equal(a, b) for a, b in zip(before, after, strict=True)) > len(before) // 2


def test_spectral_norm_leaves_the_weights_that_start_at_zero_alone() -> None:
    experiment = experiment_of("bottleneck", "bottleneck", "discriminator.weight_normalization=spectral")
    trainer = trainer_for(experiment)
    assert all(train_watching_gradients(trainer, steps=2).values())
    assert trainer.first_bad_step() is None
    assert all(p.abs().max() < 100 for p in trainer.gan.discriminator.parameters())
