"""Every preset: it says where it is from, fits together at the paper's size, and trains."""

import pytest
import torch
from support.presets import LABELS, PRESETS, preset, shrunk
from support.tiny import trainer_for

from gancore.cli.presets import facts
from gancore.composition import compose
from gancore.config import Experiment
from gancore.contracts import Images, Interface
from gancore.presets import preset_file

each = pytest.mark.parametrize("name", PRESETS)


def used(name: str) -> set[tuple[str, str]]:
    """The plugins of a preset, and which of them grows."""
    experiment = preset(name)
    grows = {("growth", experiment.generator.use)} if experiment.training.growth else set()
    return {(part.kind, part.use) for part in experiment.parts()} | grows


def sample() -> set[str]:
    """A few presets in which every plugin occurs that occurs in any; the slow tests have them all."""
    left, chosen = {name: used(name) for name in PRESETS}, set[str]()
    while any(left.values()):
        richest = max(left, key=lambda name: len(left[name]))
        met = left[richest]
        chosen.add(richest)
        left = {name: parts - met for name, parts in left.items()}
    return chosen


SAMPLE = sample()
sampled = pytest.mark.parametrize(
    "name", [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.slow) for name in PRESETS]
)


@each
def test_header_states_paper_and_differences(name: str) -> None:
    text = preset_file(name).read_text(encoding="utf-8")
    header = " ".join(line[1:].strip() for line in text.split("\n") if line.startswith("#"))
    assert "arXiv:" in header
    assert "Faithful:" in header
    assert "Differs:" in header


@each
def test_is_named_after_its_file_and_drops_nothing(name: str) -> None:
    experiment = preset(name)
    assert experiment.name == name
    assert experiment.dropped == []


def interface_of(experiment: Experiment) -> Interface:
    """What the networks of a preset are made for; how many classes there are only the data know."""
    data = experiment.data.core
    return Interface(data.resolution or 0, data.channels, LABELS if data.labels else 0)


@sampled
def test_fits_together_at_the_size_of_the_paper(name: str) -> None:
    """On the meta device, where shapes are computed and nothing else is."""
    experiment = preset(name)
    io = interface_of(experiment)
    with torch.device("meta"):
        gan = compose(experiment, io)
        label = torch.zeros(2, io.label_dim) if io.label_dim else None
        G, D = gan.generator, gan.discriminator
        ws = G.mapping(torch.zeros(2, G.z_dim), label)
        reals = G.reals(torch.zeros(2, io.channels, io.resolution, io.resolution))
        images: Images = G.fakes(ws, lambda: reals, None, None)  # type: ignore[arg-type]
        logits = D(images, label)
    if not io.label_dim:
        told = facts(name)
        counted = (sum(p.numel() for p in network.parameters()) for network in (G, D))
        assert (told.generator, told.discriminator) == tuple(counted)
    assert images[-1].shape == (2, io.channels, io.resolution, io.resolution)
    assert [image.shape for image in images] == [real.shape for real in reals]
    assert all(len(head) == 2 for head in logits)


@sampled
def test_trains_two_steps(name: str) -> None:
    experiment = shrunk(name)
    trainer = trainer_for(experiment)
    before = {name: [p.clone() for p in network.parameters()] for name, network in trainer.networks.items()}
    trainer.step()
    trainer.step()
    assert trainer.first_bad_step() is None
    for name, network in trainer.networks.items():
        assert any(not torch.equal(p, old) for p, old in zip(network.parameters(), before[name], strict=True)), name
    G = trainer.averaged()
    label = torch.eye(LABELS)[:2] if experiment.data.core.labels else None
    assert G(torch.randn(2, G.z_dim), label).isfinite().all()
