"""StyleGAN2-ADA: the preset is what the rules of configuration "auto" give for its case."""

import pytest
import torch
from support.presets import preset

from gancore.composition import compose
from gancore.contracts import Interface
from gancore_plugins.optimizers.adam import Adam

GPUS, RESOLUTION = 8, 256
"""The case that the header of the preset states."""


def auto(gpus: int, resolution: int) -> dict[str, float]:
    """The rules of the published train.py."""
    batch = max(min(gpus * min(4096 // resolution, 32), 64), gpus)
    return {
        "batch": batch,
        "gamma": 0.0002 * resolution**2 / batch,
        "halflife_kimg": batch * 10 / 32,
        "rampup": 0.05,
        "channel_base": 32768 * (1 if resolution >= 512 else 0.5),
        "lr": 0.002 if resolution >= 1024 else 0.0025,
        "group": min(batch // gpus, 4),
        "mapping": 2,
    }


def test_rules_are_worked_out() -> None:
    experiment = preset("stylegan2-ada")
    options, training = experiment.to_dict(), experiment.training
    assert isinstance(training.optimizer.cfg, Adam.Config)
    assert experiment.data.core.resolution == RESOLUTION
    assert auto(GPUS, RESOLUTION) == pytest.approx(
        {
            "batch": training.batch,
            "gamma": options["regularizers"]["r1"]["gamma"],
            "halflife_kimg": training.ema.halflife_kimg,
            "rampup": training.ema.rampup,
            "channel_base": options["generator"]["channels"]["base"],
            "lr": training.optimizer.cfg.lr,
            "group": options["discriminator"]["mbstd"]["group_size"],
            "mapping": options["generator"]["mapping"]["layers"],
        }
    )


def test_everything_else_is_as_published() -> None:
    experiment = preset("stylegan2-ada")
    options = experiment.to_dict()
    ada = options["augmentation"]
    assert (ada["use"], ada["set"], ada["target"], ada["interval"], ada["kimg"]) == ("ada", "bgc", 0.6, 4, 500)
    assert ada["p"] is None  # it adapts
    assert experiment.data.core.labels
    assert options["regularizers"]["path_length"]["interval"] == 4
    assert options["regularizers"]["path_length"]["weight"] == 2
    assert options["regularizers"]["style_mixing"]["probability"] == 0.9
    assert options["generator"]["conv_clamp"] == options["discriminator"]["conv_clamp"] == 256
    assert (options["generator"]["use"], options["discriminator"]["use"]) == ("skip", "residual")


def test_size_without_labels_is_that_of_stylegan2_e() -> None:
    """Half the maps of configuration F are those of E (24,767,458 with a mapping of 8 layers)."""
    with torch.device("meta"):
        gan = compose(preset("stylegan2-ada"), Interface(RESOLUTION, 3))
    fewer_layers = 6 * (512 * 512 + 512)
    assert sum(p.numel() for p in gan.generator.parameters()) == 24_767_458 - fewer_layers
    assert sum(p.numel() for p in gan.discriminator.parameters()) == 24_001_089


def test_order_in_the_mapping_of_labels() -> None:
    """Embedded and normalized apart from z, then both through the same layers."""
    with torch.device("meta"):
        gan = compose(preset("stylegan2-ada"), Interface(RESOLUTION, 3, label_dim=3))
        seen: list[str] = []
        for name, module in gan.generator.mapping.named_children():
            module.register_forward_pre_hook(lambda _m, _i, name=name: seen.append(name))
        ws = gan.generator.mapping(torch.zeros(2, 512), torch.zeros(2, 3))
    assert seen == ["embed", "fc0", "fc1"]
    assert ws.shape == (2, 14, 512)
