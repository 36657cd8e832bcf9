"""Noise variation: what a known noise does is measured; a model without noise is refused."""

import pytest
import torch
from support.subjects import style_generator, subject, subject_of

from gancore.analysis import Muted
from gancore.evaluation.draws import SampleDraw
from gancore_plugins.analyses.noise_variation import NoiseVariation


def test_generators_without_noise_are_refused() -> None:
    analysis = NoiseVariation(NoiseVariation.Config())
    assert "do not change with the noise" in "".join(analysis.misfits(subject_of("dcgan")))
    assert list(analysis.misfits(subject(style_generator(16)))) == []


def test_a_spike_that_the_noise_moves_moves() -> None:
    """At one w, the peak of the last layer is where its own noise is largest."""
    generator = style_generator(16)
    with torch.no_grad():
        for name, p in generator.named_parameters():
            if name.endswith("noise_strength"):
                p.fill_(50.0 if "b16.conv1" in name else 0.0)
    analysis = NoiseVariation(NoiseVariation.Config(draws=30))
    with torch.no_grad():
        moved = analysis.analyze(subject(generator, count=2)).numbers
    assert moved["movement/b16.conv1"].value == pytest.approx(0.38, abs=0.05)  # of places that are uniform in a square
    assert moved["movement/b16.conv0"].value == 0
    assert moved["deviation"].value > 0


def test_muted_noise_is_zero_outside_its_widths_and_latents_are_as_before() -> None:
    draw = SampleDraw(0, range(2), torch.device("cpu"))
    muted = Muted(draw, lambda purpose, shape: 8 <= shape[-1] < 32 and purpose != "other")
    assert torch.equal(muted.normal("z", (8,)), draw.normal("z", (8,)))
    assert torch.equal(muted.normal("noise", (1, 8, 8)), draw.normal("noise", (1, 8, 8)))
    assert muted.normal("noise", (1, 4, 4)).abs().max() == 0
    assert muted.normal("other", (1, 8, 8)).abs().max() == 0
    assert muted.scoped("again").normal("noise", (1, 4, 4)).abs().max() == 0
    assert muted.normal("noise", (1, 32, 32)).abs().max() == 0
