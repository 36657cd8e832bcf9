"""The GANs before growing and styles: constants of their presets, order of calls, and what is special to each.

Numbers are those of FACTS as quoted beside them; where a number is from memory of a paper, the preset says so.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from fakes import FakeDraw
from shrinking import FOLDER, preset, shrunk
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.composition import GAN, compose
from gancore.config import load_experiment
from gancore.contracts import Images, Interface
from gancore.errors import ConfigError
from gancore.nn.layers import Conv2d, Weighted
from gancore.training.run import new_trainer, training_data
from gancore.training.trainer import Trainer

CONSTANTS: dict[str, dict[str, Any]] = {
    "gan-mlp": {  # arXiv:1406.2661 section 5, algorithm 1
        "generator.activations": ["relu"],
        "generator.output": "sigmoid",
        "discriminator.activations": ["maxout"],
        "discriminator.dropout": 0.5,
        "loss.use": "non_saturating",
        "training.optimizer.use": "sgd",
        "training.optimizer.momentum": 0.5,
        "training.optimizer.lr": 0.1,
        "training.discriminator_optimizer.lr": 0.05,
        "generator.latent": "normal",
        "discriminator.init_std": 0.003,
        "training.d_steps": 1,
    },
    "dcgan": {  # authors' code for faces
        "data.resolution": 64,
        "generator.z_dim": 100,
        "generator.latent": "uniform",
        "generator.kernel": 5,
        "generator.init_std": 0.02,
        "generator.normalization.use": "batch",
        "discriminator.kernel": 5,
        "discriminator.init_std": 0.02,
        "discriminator.normalization.use": "batch",
        "discriminator.channels": {"base": 4096, "max": 1024},
        "training.batch": 128,
        "training.optimizer.lr": 2e-4,
        "training.optimizer.betas": [0.5, 0.999],
        "training.optimizer.weight_decay": 1e-5,
    },
    "lapgan": {  # the CIFAR code
        "generator.kernels": [7, 7, 5],
        "generator.maps": 64,
        "generator.coarse": "real",
        "generator.latent": "uniform",
        "discriminator.coarsest": 8,
        "training.batch": 128,
        "training.optimizer.use": "sgd",
        "training.optimizer.lr": 0.02,
        "training.optimizer.momentum": 0.5,
    },
    "wgan-clip": {  # algorithm 1
        "loss.use": "wasserstein",
        "regularizers.weight_clipping.limit": 0.01,
        "training.d_steps": 5,
        "training.optimizer.use": "rmsprop",
        "training.optimizer.lr": 5e-5,
    },
    "wgan-gp": {  # gan_cifar.py, betas of algorithm 1
        "loss.use": "wasserstein",
        "discriminator.normalization.use": "none",
        "regularizers.wgan_gp.weight": 10.0,
        "regularizers.wgan_gp.target": 1.0,
        "regularizers.wgan_gp.drift": 0.0,
        "training.d_steps": 5,
        "training.optimizer.lr": 1e-4,
        "training.optimizer.betas": [0.0, 0.9],
    },
    "lsgan": {"loss.use": "least_squares", "discriminator.normalization.use": "batch"},
    "sngan": {  # configs of the published code
        "loss.use": "hinge",
        "discriminator.weight_normalization.use": "spectral",
        "discriminator.weight_normalization.eps": 1e-12,
        "generator.weight_normalization": None,
        "training.batch": 64,
        "training.d_steps": 5,
        "training.g_batches": 2,
        "training.optimizer.lr": 2e-4,
        "training.optimizer.betas": [0.0, 0.9],
    },
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name: str) -> None:
    options = preset(name).to_dict()
    assert options["training"]["ema"]["halflife_kimg"] == 0  # none of these papers averages weights
    assert options["training"]["order"] == "d_first"
    for key, expected in CONSTANTS[name].items():
        value: Any = options
        for part in key.split("."):
            value = value[part]
        assert value == expected, key


def composed(name: str, resolution: int | None = None, channels: int = 3, labels: int = 0) -> GAN:
    """The networks of a preset, as large as it says."""
    experiment = preset(name)
    return compose(experiment, Interface(resolution or experiment.data.core.resolution or 0, channels, labels))


def small(name: str, **options: Any) -> GAN:
    experiment = shrunk(FOLDER / f"{name}.yaml")
    return compose(experiment, Interface(16, 3, **options))


def trainer_of(name: str, *overrides: str) -> Trainer:
    experiment = load_experiment(shrunk(FOLDER / f"{name}.yaml").to_dict(), overrides)
    return new_trainer(experiment, training_data(experiment), torch.device("cpu"))


def numbers(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# --- the first GAN -------------------------------------------------------------------------------------------------


def test_mlp_has_any_size_and_the_layers_it_names() -> None:
    with torch.device("meta"):
        gan = composed("gan-mlp", channels=1)
    pixels = 28 * 28
    assert numbers(gan.generator) == 100 * 1200 + 1200 + 1200 * 1200 + 1200 + 1200 * pixels + pixels
    assert numbers(gan.discriminator) == pixels * 1200 + 1200 + 240 * 1200 + 1200 + 240 + 1
    assert compose(shrunk(FOLDER / "gan-mlp.yaml"), Interface(11, 3)).generator(torch.zeros(2, 8)).shape[2:] == (11, 11)


def test_mlp_generator_is_rectifiers_and_a_sigmoid_on_pixels_from_0_to_1() -> None:
    G = small("gan-mlp").generator
    z = torch.randn(5, 8)
    x, hidden = z, G.synthesis.hidden
    for layer in (hidden.fc0, hidden.fc1):
        x = torch.relu(x @ layer.linear.weight.T + layer.bias)
    pixels = torch.sigmoid(x @ G.synthesis.out.weight.T + G.synthesis.out.bias)
    assert torch.allclose(G(z).flatten(1), pixels * 2 - 1, atol=1e-5)


def test_maxout_is_the_greatest_of_its_pieces_and_dropout_is_off_in_evaluation() -> None:
    D = small("gan-mlp").discriminator.eval()
    image = torch.rand(5, 3, 16, 16)
    x = (image.flatten(1) + 1) / 2
    for layer in (D.hidden.fc0, D.hidden.fc1):
        pieces = (x @ layer.linear.weight.T + layer.bias).view(5, 16, 5)
        x = pieces.max(dim=2).values
    logits = x @ D.out.weight.T + D.out.bias
    assert torch.allclose(D((image,))[0], logits[:, 0], atol=1e-5)
    assert not torch.allclose(D.train()((image,))[0], logits[:, 0])


def test_dropout_is_the_same_in_the_same_step_of_another_run() -> None:
    states = []
    for _ in range(2):
        trainer = trainer_of("gan-mlp")
        trainer.step()
        torch.rand(3)  # what else is drawn in between does not matter
        trainer.step()
        states.append(copy.deepcopy(trainer.gan.discriminator.state_dict()))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_norms_of_the_weights_stay_within_their_bound() -> None:
    trainer = trainer_of("gan-mlp", "discriminator.max_norm=0.01")
    trainer.step()
    D = trainer.gan.discriminator
    for weight in (D.hidden.fc0.linear.weight, D.hidden.fc1.linear.weight, D.out.weight):
        assert weight.norm(dim=1).max() <= 0.0101
    assert trainer.gan.generator.synthesis.hidden.fc0.linear.weight.norm(dim=1).min() > 0.0101


def test_a_label_stands_beside_latent_and_image() -> None:
    gan = small("gan-mlp", label_dim=3)
    assert gan.generator.synthesis.hidden.fc0.linear.weight.shape[1] == 8 + 3
    assert gan.discriminator.hidden.fc0.linear.weight.shape[1] == 3 * 16 * 16 + 3
    with pytest.raises(ValueError, match="labels"):
        gan.generator(torch.zeros(1, 8))


def test_mlp_refuses_a_statistic_over_pixels_it_does_not_have() -> None:
    mapping = shrunk(FOLDER / "gan-mlp.yaml").to_dict()
    with pytest.raises(ConfigError, match="choose normalization none, batch or pixel"):
        load_experiment(mapping, ["generator.normalization=instance"])


# --- DCGAN ---------------------------------------------------------------------------------------------------------


def test_dcgan_has_the_layers_of_the_authors_code() -> None:
    """Maps 1024, 512, 256, 128 from 4x4 on, mirrored in D; no bias but that of batch norm."""
    with torch.device("meta"):
        gan = composed("dcgan")
    inner = 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert numbers(gan.generator) == 100 * 1024 * 16 + inner + 2 * (1024 + 512 + 256 + 128)
    assert numbers(gan.discriminator) == inner + 1024 * 16 + 2 * (256 + 512 + 1024)


def test_dcgan_begins_as_the_paper_says() -> None:
    for network in small("dcgan").modules().values():
        for name, p in network.named_parameters():
            if name.endswith("bias"):
                assert not p.any(), name
            else:
                mean = 1.0 if name.endswith("gain") else 0.0
                assert (p - mean).abs().max() < 0.12, name
    weights = composed("dcgan", 16).discriminator
    assert weights.b16.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert weights.b8.normalization.gain.std().item() == pytest.approx(0.02, rel=0.1)


def recorded(layer: Conv2d, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what a layer does, in the order of doing it."""
    calls: list[str] = []

    def logged(name: str, call: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def wrapper(*args: Any, **kwargs: Any) -> Tensor:
            calls.append(name)
            return call(*args, **kwargs)

        return wrapper

    monkeypatch.setattr(layer, "_convolve", logged("convolution", layer._convolve))
    monkeypatch.setattr(layer, "activation", Logged(layer.activation, calls))
    if layer.normalization is not None:
        monkeypatch.setattr(layer.normalization, "statistic", logged("statistic", layer.normalization.statistic))
    return calls


class Logged:
    """An activation that notes that it was called."""

    def __init__(self, inner: Any, calls: list[str]) -> None:
        self.inner, self.calls = inner, calls
        self.gain = inner.gain

    def __call__(self, *args: Any) -> Tensor:
        self.calls.append("activation")
        return self.inner(*args)


@pytest.mark.parametrize(("network", "layer"), [("generator", "synthesis.b8"), ("discriminator", "b8")])
def test_dcgan_normalizes_between_convolution_and_activation(
    network: str, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gan = small("dcgan")
    calls = recorded(getattr(gan, network).get_submodule(layer), monkeypatch)
    gan.discriminator((gan.generator.train()(torch.randn(4, 8)),))
    assert calls == ["convolution", "statistic", "activation"]


@pytest.mark.parametrize("kernel", [4, 5])
def test_dcgan_layers_are_torch_layers(kernel: int) -> None:
    """Stride 2, leaky ReLU 0.2, ReLU, batch norm with gain and bias; at the ends no norm and no bias."""
    cfg = shrunk(FOLDER / "dcgan.yaml").to_dict()
    cfg["generator"]["kernel"] = cfg["discriminator"]["kernel"] = kernel
    gan = compose(load_experiment(cfg), Interface(16, 3))
    G, D = gan.generator, gan.discriminator
    image, z = torch.randn(4, 3, 16, 16), torch.randn(4, 8)

    def normed(x: Tensor, normalization: Any, bias: Tensor) -> Tensor:
        with torch.no_grad():
            normalization.gain.normal_()
            bias.normal_()
        return F.batch_norm(x, None, None, normalization.gain, bias, training=True)

    def down(x: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, [(kernel - 1) // 2, (kernel - 2) // 2] * 2), weight, stride=2)

    x = F.leaky_relu(down(image, D.b16.weight), 0.2)
    x = F.leaky_relu(normed(down(x, D.b8.weight), D.b8.normalization, D.b8.bias), 0.2)
    assert torch.allclose(D((image,))[0], (x.flatten(1) @ D.out.weight.T)[:, 0], atol=1e-4)

    b4, b8, b16 = G.synthesis.b4, G.synthesis.b8, G.synthesis.b16
    x = (z @ b4.linear.weight.T).unflatten(1, (-1, 4, 4))
    x = F.relu(normed(x, b4.tail.normalization, b4.tail.bias))

    def up(x: Tensor, weight: Tensor) -> Tensor:
        """The transposed convolution, cropped to twice the size."""
        full, width = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), 2 * x.shape[2]
        return full[:, :, 1 : 1 + width, 1 : 1 + width]

    x = F.relu(normed(up(x, b8.weight), b8.normalization, b8.bias))
    assert torch.allclose(G.train()(z), torch.tanh(up(x, b16.weight)), atol=1e-4)


def test_dcgan_keeps_reals_and_fakes_apart() -> None:
    D = small("dcgan").discriminator
    real, fake = torch.randn(4, 3, 16, 16), 3 * torch.randn(4, 3, 16, 16) + 1
    apart = torch.cat([D((real,))[0], D((fake,))[0]])
    both = torch.cat([real, fake])
    assert torch.allclose(D((both,), parts=2)[0], apart, atol=1e-5)
    assert not torch.allclose(D((both,))[0], apart, atol=1e-3)


def test_dcgan_latents_can_be_added() -> None:
    """Radford et al., section 6.3.2: mean(A) - mean(B) + mean(C), and its neighbours within 0.25."""
    G = small("dcgan").generator.eval()
    z = G.sample_z(FakeDraw(9))
    assert z.min() >= -1
    assert z.max() <= 1
    assert z.std().item() == pytest.approx(1 / 3**0.5, rel=0.2)
    a, b, c = z.unflatten(0, (3, 3)).mean(1)
    y = (a - b + c).repeat(9, 1)
    y[1:] += torch.empty(8, G.z_dim).uniform_(-0.25, 0.25)
    images = G(y)
    assert torch.equal(images, G(y))
    assert images.abs().max() <= 1
    near, far = (images[1:] - images[:1]).abs().mean(), (G(z) - images[:1]).abs().mean()
    assert near < far


def test_statistics_of_the_averaged_generator_are_those_of_its_own_weights() -> None:
    trainer = trainer_of("dcgan", "training.ema.halflife_kimg=1")
    for _ in range(2):
        trainer.step()
    moments = "synthesis.b8.normalization.inner.moments.running_mean"
    followed = trainer.gan.generator.get_buffer(moments).clone()
    first = trainer.averaged().get_buffer(moments).clone()
    assert not torch.allclose(first, followed, atol=1e-6)
    assert torch.equal(trainer.averaged().get_buffer(moments), first)


# --- LAPGAN --------------------------------------------------------------------------------------------------------


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
    mapping = shrunk(FOLDER / "lapgan.yaml").to_dict()
    overrides = ["discriminator.use=residual"]
    with pytest.raises(ConfigError, match="choose coarse: generated, or discriminator lapgan"):
        load_experiment(mapping, overrides)
    gan = compose(load_experiment(mapping, [*overrides, "generator.coarse=generated"]), Interface(16, 3))
    G = gan.generator
    ws = G.mapping(G.sample_z(FakeDraw(4)))
    assert touched(fakes(gan, G.reals(torch.randn(4, 3, 16, 16)), ws)[1].sum(), G) == {"b8", "b16"}


# --- Wasserstein, spectral norm ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wgan-clip", "wgan-gp", "sngan"])
def test_five_critic_steps_for_each_generator_step(name: str) -> None:
    phases = trainer_of(name).phases
    assert [phase.network for phase in phases] == ["discriminator"] * 5 + ["generator"]


def test_clipped_weights_stay_within_the_limit() -> None:
    trainer = trainer_of("wgan-clip")
    trainer.step()
    assert all(p.abs().max() <= 0.01 for p in trainer.gan.discriminator.parameters())
    assert any(p.abs().max() > 0.01 for p in trainer.gan.generator.parameters())


def test_a_critic_with_gradient_penalty_does_not_look_at_the_batch() -> None:
    D = small("wgan-gp").discriminator
    images = torch.randn(4, 3, 16, 16)
    assert torch.allclose(D((images,))[0][:1], D((images[:1],))[0], atol=1e-6)
    assert all(layer.bias is not None for layer in (D.b16, D.b8, D.out))


def test_sngan_networks_are_those_of_the_paper() -> None:
    """CIFAR-10: G 256 maps throughout, D 128, halved to 8x8, two flat blocks; 3x3 and 1x1 convolutions."""
    with torch.device("meta"):
        gan = composed("sngan")
    g_convs = 6 * 9 * 256 * 256 + 3 * 256 * 256
    g_norms = 7 * 2 * 256
    assert numbers(gan.generator) == (128 + 1) * 256 * 16 + g_convs + g_norms + 9 * 256 * 3 + 3
    first = 9 * 3 * 128 + 9 * 128 * 128 + 3 * 128
    d_convs = first + 6 * 9 * 128 * 128 + 128 * 128
    assert numbers(gan.discriminator) == d_convs + 8 * 128 + 128 + 1


def test_sngan_normalizes_every_weight_of_the_discriminator_and_none_of_the_generator() -> None:
    gan = small("sngan")
    layers = [m for m in gan.discriminator.modules() if isinstance(m, Weighted)]
    assert layers
    for layer in layers:
        for _ in range(30):
            weight = layer.effective_weight()
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=0.05)
    assert not any(hasattr(m.weight_normalization, "u") for m in gan.generator.modules() if isinstance(m, Weighted))


def test_residual_blocks_begin_with_statistic_and_activation() -> None:
    gan = small("sngan")
    calls: list[str] = []
    for network in (gan.generator.synthesis, gan.discriminator):
        for name, module in network.named_modules():
            if name.rpartition(".")[2] in ("act0", "conv0", "act1", "conv1", "act", "skip"):
                module.register_forward_hook(lambda *_, name=name: calls.append(name))
    gan.discriminator((gan.generator.train()(torch.randn(4, 8)),))
    inner = ["act0", "conv0", "act1", "conv1", "skip"]
    generator = [f"{block}.{step}" for block in ("b8", "b16") for step in inner]
    first = [f"b16.{step}" for step in inner[1:]]
    flat = [f"flat{i}.{step}" for i in range(2) for step in inner[:-1]]
    assert calls == [*generator, "act", *first, *flat, "act"]


def test_a_generator_step_of_sngan_averages_over_two_batches() -> None:
    trainer = trainer_of("sngan")
    phase = trainer.phases[-1]
    batches: list[Tensor] = []
    trainer.gan.generator.synthesis.register_forward_pre_hook(lambda _, args: batches.append(args[0]))
    logits: list[Tensor] = []
    trainer.gan.discriminator.register_forward_hook(lambda _, args, out: logits.append(out[0]))
    loss = trainer.gradients(phase)
    assert [len(batch) for batch in batches] == [4, 4]
    assert not torch.equal(*batches)
    assert torch.allclose(loss, -torch.cat(logits).mean())
