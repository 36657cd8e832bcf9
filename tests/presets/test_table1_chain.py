"""Table 1 of StyleGAN2 as a chain: each configuration differs from the one before by what the paper names.

The allowed changes with their sources; anything else that `gancore validate --diff` finds is a mistake. Sources:
[P] arXiv:1912.04958, [R] run_training.py and [N] training/networks_stylegan2.py of the published code.
"""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from gancore.cli import root

Changes = dict[str, tuple[Any, Any, str]]
"""Key: value before, value after (None: absent), source."""

LAYERS: Changes = {
    "generator.normalization.use": ("adain", "demod", "[P] section 2.2: demodulation in place of AdaIN"),
    "generator.noise": ("channel", "layer", "[N] one noise strength a layer"),
    "generator.const_layer": (True, False, "[P] figure 2c: no noise, bias, normalization at the constant input"),
    "generator.const": ("ones", "normal", "[N] the constant input starts from N(0, 1)"),
    "generator.torgb_modulated": (False, True, "[N] toRGB takes a style"),
}
FILTERS: Changes = {
    f"{network}.{key}": change
    for network in ("generator", "discriminator")
    for key, change in {
        "gain": ("weight", "activation", "[N] sqrt(2) behind the activation"),
        "resampling": ("box", "fir", "[N] bilinear filtering in all resampling layers of both networks"),
        "resample_filter": ([1, 2, 1], [1, 3, 3, 1], "[N] resample_kernel"),
    }.items()
}
PATH_LENGTH = {"use": "path_length", "weight": 2, "interval": 4, "shrink": 2, "decay": 0.01}
GROWTH = {
    "start": 8,
    "stable_kimg": 600,
    "fade_kimg": 600,
    "batch": {"8": 256, "16": 128, "32": 64, "64": 32},
    "lr": {"128": 0.0015, "256": 0.002, "512": 0.003, "1024": 0.003},
    "reset_optimizer": True,
}
CHAIN: dict[str, Changes] = {
    "AB": LAYERS | FILTERS,
    "BC": {"regularizers.r1.interval": (1, 16, "[P] section 3.1: lazy regularization, every 16th step")},
    "CD": {"regularizers.path_length": (None, PATH_LENGTH, "[P] section 3.2; [R] weight 2, every 4th step")},
    "DE": {
        "training.growth": (GROWTH, None, "[P] section 4.1: no growing"),
        "generator.use": ("progressive", "skip", "[P] section 4.1: output skips"),
        "discriminator.use": ("progressive", "residual", "[P] section 4.1: residual discriminator"),
        "training.optimizer.lr": (0.001, 0.002, "[R] 0.002 where nothing grows"),
        "regularizers.r1.gamma": (10, 100, "[R] 100 in configuration E"),
    },
    "EF": {
        "generator.channels.base": (16384, 32768, "[P] section 4.2: twice the maps at 64x64 and above"),
        "discriminator.channels.base": (16384, 32768, "[P] section 4.2"),
        "regularizers.r1.gamma": (100, 10, "[R] 10 unless configuration E"),
    },
}


def found(before: str, after: str) -> dict[str, dict[str, Any]]:
    """What `gancore validate --diff` says, by key; the name is another anyway."""
    files = [f"preset:{name}" for name in (before, after)]
    result = CliRunner().invoke(root, ["validate", "--no-data", "--diff", "--json", *files])
    assert result.exit_code == 0, result.output
    differences = {difference["key"]: difference for difference in json.loads(result.output)}
    assert differences.pop("name")
    return differences


@pytest.mark.parametrize("pair", CHAIN)
def test_each_differs_from_the_one_before_by_what_is_named(pair: str) -> None:
    differences = found(*(f"stylegan2-{letter}" for letter in pair))
    assert differences.keys() == CHAIN[pair].keys()
    for key, (before, after, _) in CHAIN[pair].items():
        assert (differences[key].get("before"), differences[key].get("after")) == (before, after), key


@pytest.mark.parametrize("G", ["original", "skip", "residual"])
@pytest.mark.parametrize("D", ["original", "skip", "residual"])
def test_arms_of_table_2_differ_from_e_by_their_topologies(G: str, D: str) -> None:
    differences = found("stylegan2-E", f"stylegan2-E-{G}-{D}")
    changed = {key: difference["after"] for key, difference in differences.items()}
    expected = {"generator.use": (G, "skip"), "discriminator.use": (D, "residual")}
    assert changed == {key: use for key, (use, usual) in expected.items() if use != usual}
