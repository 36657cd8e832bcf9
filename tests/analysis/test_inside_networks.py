"""Units that are planted are found; theory agrees with measurement; shares are those of the parameters."""

import pytest
import torch
from support.small import experiment_of
from support.subjects import FIXTURE, style_generator, subject, subject_of
from torch import nn

from gancore.analysis.run import analyze
from gancore.composition import compose
from gancore.contracts import Interface
from gancore.testing.model import small_subject
from gancore_plugins.analyses.filters import Filters, guided_gradient, shuffled
from gancore_plugins.analyses.in_theory import InTheory, behind_instance_norm
from gancore_plugins.analyses.rho import Rho
from gancore_plugins.analyses.unit_ablation import UnitAblation, run, strongest

UNIT = 5


def test_the_planted_unit_is_the_strongest_and_moves_the_peak() -> None:
    """A spike in one unit of b16.conv0 holds the peak; without that unit it goes elsewhere, without others it stays."""
    generator = style_generator(32)

    def plant(module: object, inputs: object, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[:, UNIT, 2, 3] += 500
        return x

    generator.synthesis.b16.conv0.register_forward_hook(plant)
    model = subject(generator, count=8)
    with torch.no_grad():
        ws = generator.mapping(*model.latents())
        _, seen = run(model, ws, ["b16.conv0"], {})
        assert int(strongest(seen["b16.conv0"])[0]) == UNIT
        found = UnitAblation(UnitAblation.Config(layers=["b16.conv0"], most=1)).analyze(model).numbers
    assert found["displacement"].value > 0.2
    assert found["displacement_random"].value == 0
    assert found["displacement/b16.conv0/one kept"].value < 0.1


def test_the_perceptual_distance_of_ablated_images_is_an_option() -> None:
    model = subject(style_generator(16), count=2)
    plain, perceptual = (UnitAblation(UnitAblation.Config(most=2, perceptual=asked)) for asked in (False, True))
    assert plain.features == ()
    assert perceptual.features == ("lpips", "embedded")
    with torch.no_grad():
        before, found = (one.analyze(model).numbers for one in (plain, perceptual))
    assert {name: found[name] for name in before} == before
    added = found.keys() - before.keys()
    assert {name.split("/")[0] for name in added} == {"distance", "random_distance"}
    assert all(found[name].value > 0 for name in added)
    asked = {"use": "unit_ablation", "perceptual": True, "most": 1, "features": "embedded"}
    (record,) = analyze(FIXTURE, [asked], count=2, device="cpu")
    assert record.name == "unit_ablation[embedded]"


def test_theory_agrees_with_measurement() -> None:
    with torch.no_grad():
        numbers = InTheory(InTheory.Config()).analyze(subject(style_generator(16), count=2)).numbers
    assert numbers["agreement"].value < 0.02
    assert behind_instance_norm(0.01, 1e6) == pytest.approx(9.95, abs=0.01)  # sqrt((1 - alpha) / alpha)
    assert behind_instance_norm(0.001, 1e6) == pytest.approx(31.6, abs=0.05)


def test_shares_are_those_of_the_parameters() -> None:
    experiment = experiment_of("skip", "residual", "generator.normalization=pin")
    generator = compose(experiment, Interface(16, 3)).generator.eval()
    with torch.no_grad():
        for i, (_, p) in enumerate(p for p in generator.named_parameters() if p[0].endswith("rho")):
            p.fill_(0.1 * i)
    numbers = Rho(Rho.Config()).analyze(subject(generator)).numbers
    layers = [value for name, value in numbers.items() if name.startswith("rho/")]
    assert [value.value for value in layers] == pytest.approx([0.1 * i for i in range(len(layers))])
    assert "rho/b4.conv1" in numbers
    assert "mixes two statistics" in "".join(Rho(Rho.Config()).misfits(subject_of("skip")))


def test_guided_gradients_reach_the_image_and_leave_no_hooks() -> None:
    model = small_subject()
    network = model.discriminator()
    names = [layer.name for layer in model.layers("discriminator")]
    image = model.reals(1)
    guided = guided_gradient(model, network, names[-1], names, image, 0)
    assert guided.shape == image.shape[1:]
    assert guided.abs().sum() > 0
    assert not any(module._forward_hooks for module in network.modules())


def test_the_random_network_has_the_same_weights_in_another_order() -> None:
    model = small_subject()
    trained, random = model.discriminator(), shuffled(model.discriminator(), 0)
    for a, b in zip(nn.Module.parameters(trained), nn.Module.parameters(random), strict=True):
        assert torch.equal(a.flatten().sort().values, b.flatten().sort().values)
    with torch.no_grad():
        assert Filters(Filters.Config()).analyze(model).numbers["selectivity"].value >= 1
