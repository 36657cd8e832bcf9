"""Half precision from a resolution on."""

import re
from itertools import chain

import pytest
import torch
from support.on_meta import all_phases, on_meta, watched
from support.tiny import tiny_experiment, tiny_trainer

from benchmarks.meta_autocast import autocast_on_meta
from gancore.config.sections.training import TrainingConfig
from gancore.nn.layers import Conv2d
from gancore.nn.style import StyleConv


@pytest.mark.parametrize(("start", "half"), [(None, {4, 8, 16}), (16, {16}), (8, {8, 16}), (32, set())])
def test_which_blocks_are_in_half(start: int | None, half: set[int]) -> None:
    """All phases; types are those of the outputs of a convolution of each block, in both networks."""
    experiment = tiny_experiment(training__precision="fp16", training__half_from=start)
    found: dict[int, set[torch.dtype]] = {4: set(), 8: set(), 16: set()}
    with autocast_on_meta():
        trainer = on_meta(experiment)
        for name, layer in chain(*(network.named_modules() for network in trainer.networks.values())):
            if (where := re.search(r"\bb(\d+)\.conv", name)) and isinstance(layer, StyleConv | Conv2d):
                layer.register_forward_hook(lambda _, given, y, r=int(where[1]): found[r].add(y.dtype))
        with watched():
            all_phases(trainer)
    assert found == {r: {torch.float16 if r in half else torch.float32} for r in found}
    assert trainer.widened == 2 * len({4, 8, 16} - half)


def test_wide_blocks_are_near_float32() -> None:
    changes = {"data__resolution": 8, "training__batch": 4}
    one, other = tiny_trainer(**changes), tiny_trainer(training__precision="bf16", training__half_from=1024, **changes)
    for trainer in (one, other):
        trainer.step()
    assert other.widened == 4
    b8 = [dict(t.gan.generator.synthesis.b8.named_parameters()) for t in (one, other)]  # type: ignore[union-attr]
    for name, p in b8[0].items():
        torch.testing.assert_close(p, b8[1][name], rtol=0, atol=0.01)  # toRGB and fromRGB stay in bf16


def test_it_needs_half_precision() -> None:
    with pytest.raises(ValueError, match="half_from needs precision: bf16 or fp16"):
        TrainingConfig(half_from=32)
