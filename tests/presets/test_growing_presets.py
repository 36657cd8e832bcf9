"""PGGAN, StyleGAN and StyleGAN2's configurations: constants of the published code, sizes, order of calls in a layer."""

import functools
import itertools
import math
from typing import Any

import pytest
import torch
from support.presets import preset, shrunk
from torch.utils._python_dispatch import TorchDispatchMode

from gancore.composition import compose
from gancore.contracts import Interface, Pass
from gancore.training.step.ema import ema_decay
from gancore.training.step.growth import Growth

# --- constants -----------------------------------------------------------------------------------------------------

ADAM = {"training.optimizer.use": "adam", "training.optimizer.betas": [0, 0.99], "training.optimizer.eps": 1e-8}
RATES = {128: 0.0015, 256: 0.002, 512: 0.003, 1024: 0.003}
STYLEGAN = ADAM | {
    "training.kimg": 25000,
    "training.ema.halflife_kimg": 10,
    "loss.use": "non_saturating",
    "regularizers.style_mixing.probability": 0.9,
    "generator.mapping.layers": 8,
    "generator.mapping.lr_multiplier": 0.01,
    "generator.mapping.w_avg_decay": 0.995,
    "generator.z_dim": 512,
    "generator.w_dim": 512,
    "discriminator.mbstd.group_size": 4,
    "discriminator.mbstd.channels": 1,
    "data.mirror": True,
}
GROWING = {
    "training.optimizer.lr": 0.001,
    "training.batch": 32,
    "training.growth.start": 8,
    "training.growth.stable_kimg": 600,
    "training.growth.fade_kimg": 600,
    "training.growth.batch": {8: 256, 16: 128, 32: 64, 64: 32},
    "training.growth.lr": RATES,
    "training.growth.reset_optimizer": True,
}
V1 = STYLEGAN | GROWING | {
    "generator.const": "ones",
    "generator.noise": "channel",
    "generator.gain": "weight",
    "generator.resample_filter": [1, 2, 1],
    "discriminator.resample_filter": [1, 2, 1],
    "regularizers.r1.gamma": 10,
    "regularizers.r1.interval": 1,
}  # fmt: skip
E = STYLEGAN | {
    "training.optimizer.lr": 0.002,
    "training.growth": None,
    "regularizers.r1.gamma": 100,
    "regularizers.r1.interval": 16,
    "regularizers.path_length.weight": 2,
    "regularizers.path_length.interval": 4,
    "regularizers.path_length.decay": 0.01,
    "generator.resample_filter": [1, 3, 3, 1],
}
CONSTANTS: dict[str, dict[str, Any]] = {
    "pggan": ADAM
    | GROWING
    | {
        "training.kimg": 12000,
        "training.order": "d_first",
        "training.growth.start": 4,
        "training.growth.batch": {4: 512, 8: 256, 16: 128, 32: 64, 64: 32},
        "loss.use": "wasserstein",
        "regularizers.wgan_gp.weight": 10,
        "regularizers.wgan_gp.target": 1,
        "regularizers.wgan_gp.drift": 0.001,
        "generator.normalization.use": "pixel",
        "generator.normalization.eps": 1e-8,
    },
    "stylegan": V1 | {"training.order": "d_first", "generator.normalization.use": "adain"},
    "stylegan-pin": V1 | {"training.order": "d_first", "generator.normalization.use": "pin"},
    "stylegan-bin": V1
    | {
        "generator.normalization.use": "bin",
        "generator.normalization.rho": 1,
        "generator.normalization.lr_factor": 10,
        "generator.normalization.eps": 1e-5,
    },
    "stylegan2-A": V1 | {"training.order": "g_first"},
    "stylegan2-B": STYLEGAN | GROWING | {"regularizers.r1.gamma": 10, "generator.normalization.eps": 1e-8},
    "stylegan2-E": E,
    "stylegan2-F": E | {"regularizers.r1.gamma": 10, "generator.channels.base": 32768},
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants(name: str) -> None:
    written = preset(name).to_dict()
    for key, value in CONSTANTS[name].items():
        assert functools.reduce(lambda part, step: part[step], key.split("."), written) == value, key


def test_pggan_averages_with_0_999_a_step_whatever_the_batch() -> None:
    training = preset("pggan").training
    growth = Growth(training, 1024)
    for kimg in (0, 600, 1800, 3000, 4200, 11999):
        assert ema_decay(training.ema, growth.batch(kimg), kimg * 1000) == 0.999


@pytest.mark.parametrize("name", ["pggan", "stylegan"])
def test_all_is_grown_long_before_the_end(name: str) -> None:
    training = preset(name).training
    assert training.growth is not None
    doublings = int(math.log2(1024 // training.growth.start))
    grown = doublings * (training.growth.stable_kimg + training.growth.fade_kimg)
    assert grown < training.kimg
    before, after = (Growth(training, 1024).stage(grown + more) for more in (-1, 1))
    assert before is not None and after is not None  # noqa: PT018
    assert (before.resolution, after.resolution, after.alpha) == (1024, 1024, 1.0)
    assert before.alpha < 1


# --- sizes ---------------------------------------------------------------------------------------------------------

MAPS = {r: min(16384 // r, 512) for r in (4, 8, 16, 32, 64, 128, 256, 512, 1024)}
PAIRS = [(MAPS[r // 2], MAPS[r]) for r in MAPS if r > 4]
"""Feature maps on either side of a doubling."""

TORGB = sum(3 * c + 3 for c in MAPS.values())
CONVOLUTIONS = 9 * 512**2 + sum(9 * a * b + 9 * b * b for a, b in PAIRS)
MAPPING = 8 * (512 * 512 + 512)
EPILOGUES = [512, 512] + [b for _, b in PAIRS for _ in range(2)]
STYLEGAN_G = (
    MAPPING + 512 * 4 * 4 + CONVOLUTIONS + sum(c + c + 512 * 2 * c + 2 * c for c in EPILOGUES) + TORGB
)  # noise and bias, the affine of scale and shift
PGGAN_G = (512 * 512 * 16 + 512) + (CONVOLUTIONS + 512) + sum(2 * b for _, b in PAIRS) + TORGB
GROWING_D = (
    sum(3 * c + c for c in MAPS.values())
    + sum(9 * b * b + b + 9 * b * a + a for a, b in PAIRS)
    + (9 * 513 * 512 + 512)
    + (16 * 512 * 512 + 512)
    + (512 + 1)
)

SIZES: dict[str, tuple[int, int]] = {
    "pggan": (PGGAN_G, GROWING_D),
    "stylegan": (STYLEGAN_G, GROWING_D),
    "stylegan-pin": (STYLEGAN_G + sum(EPILOGUES), GROWING_D),  # rho of each channel
    "stylegan-bin": (STYLEGAN_G + sum(EPILOGUES), GROWING_D),
    "stylegan2-A": (STYLEGAN_G, GROWING_D),
    "stylegan2-B": (24_900_764, 23_087_249),  # the layers of skips, put together otherwise
    "stylegan2-C": (24_900_764, 23_087_249),
    "stylegan2-D": (24_900_764, 23_087_249),
    "stylegan2-E": (24_900_764, 24_038_161),
    "stylegan2-F": (30_370_060, 29_012_513),
}
TABLE2_G = {"original": 23_596_292, "skip": 24_900_764, "residual": 24_557_316}
TABLE2_D = {"original": 23_077_137, "skip": 23_087_249, "residual": 24_038_161}
SIZES |= {f"stylegan2-E-{g}-{d}": (TABLE2_G[g], TABLE2_D[d]) for g in TABLE2_G for d in TABLE2_D}


def test_closed_forms_are_the_published_millions() -> None:
    """As the published code prints them: 23.1 for both of PGGAN, 26.2 and 23.1 for StyleGAN."""
    assert [round(size / 1e6, 1) for size in (PGGAN_G, STYLEGAN_G, GROWING_D)] == [23.1, 26.2, 23.1]


@pytest.mark.parametrize("name", SIZES)
def test_parameters_at_1024(name: str) -> None:
    with torch.device("meta"):
        gan = compose(preset(name), Interface(1024, 3))
    sizes = tuple(sum(p.numel() for p in network.parameters()) for network in (gan.generator, gan.discriminator))
    assert sizes == SIZES[name]


# --- order of calls in one layer -----------------------------------------------------------------------------------


class Calls(TorchDispatchMode):
    """Notes the operations that tell the steps of a layer apart."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self.names, self.seen = names, list[str]()

    def __torch_dispatch__(self, call: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if (name := call.overloadpacket.__name__) in self.names:
            self.seen.append(self.names[name])
        return call(*args, **(kwargs or {}))


NAMES = {
    "convolution": "convolve",
    "add_": "noise",
    "leaky_relu_": "activate",
    "rsqrt": "normalize",
    "lerp": "mix",
    "addcmul": "style",
}
ORDER = {
    "pggan": ["convolve", "activate", "normalize"],
    "stylegan": ["convolve", "convolve", "noise", "activate", "normalize", "style"],  # the second is the blur
    "stylegan-pin": ["convolve", "convolve", "noise", "activate", "statistic"],  # both, their mix and style in one
    "stylegan-bin": ["convolve", "convolve", "noise", "activate", "normalize", "normalize", "mix", "style"],
    "stylegan2-B": ["convolve", "convolve", "normalize", "style", "noise", "activate"],  # scales: demodulation
    "stylegan2-E": ["convolve", "convolve", "normalize", "style", "noise", "activate"],
}


@pytest.mark.parametrize("name", ORDER)
def test_order_of_calls_in_an_upsampling_layer(name: str) -> None:
    G = compose(shrunk(name), Interface(16, 3)).generator
    ws, layer = G.mapping(torch.randn(2, G.z_dim)), G.synthesis.get_submodule("b16.conv0")
    x = torch.randn(2, 8, 8, 8)
    with torch.no_grad(), Calls(NAMES) as calls:
        layer(x) if G.num_ws == 1 else layer(x, ws.unbind(1), Pass("const"))
    expected = ORDER[name]
    if "statistic" in expected:
        kinds = ("statistic" if call in ("normalize", "mix", "style") else call for call in calls.seen)
        calls.seen = [call for call, _ in itertools.groupby(kinds)]
        expected = [call for call, _ in itertools.groupby(expected)]
    assert [call for call in calls.seen if call in expected] == expected
