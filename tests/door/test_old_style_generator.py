"""Generators from before `Mapping` and `Synthesis`, and calls of those days, do what they did."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.fakes import FakeDraw
from support.small import experiment_of, names
from support.tiny import tiny_mapping, trainer_for

from gancore import cli
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface, Pass, Stage
from gancore.evaluation import Generated
from gancore.training.compile.networks import CompiledForward
from gancore.training.trainer import Trainer

FILE = Path(__file__).parents[1] / "fixtures/old_style_generator.py"


def trainer_of(name: str) -> Trainer:
    """With labels and batch norm, so that the average's statistics are measured too."""
    experiment = load_experiment(
        tiny_mapping(
            plugins={"generator": {"mine": f"{FILE}:{name}"}},
            generator={"use": "mine", "normalization": "batch"},
            discriminator={"use": "residual", "channels": {"base": 64, "max": 8}},
            data={"use": "emoji", "resolution": 16, "fit": "resize", "labels": True},
            regularizers={"r1": {"interval": 2}},
        )
    )
    return trainer_for(experiment)


def test_it_trains_samples_and_is_judged_as_one_with_the_bases():
    old, new = trainer_of("OldStyle"), trainer_of("NewStyle")
    results = []
    for trainer in (old, new):
        for _ in range(2):
            trainer.step()
        average = trainer.averaged()
        label = torch.eye(average.interface.label_dim)[:2]
        images = [average.sample(FakeDraw(2), label), *Generated(average, batch=2).batches(0, 0, 2)]
        results.append(average.state_dict() | trainer.gan.discriminator.state_dict() | dict(enumerate(images)))
    assert list(results[0]) == list(results[1])
    assert all(torch.equal(value, results[1][name]) for name, value in results[0].items())


@pytest.mark.parametrize("name", ["OldStyle", "NewStyle"])
def test_its_check_passes(name: str):
    assert cli.main(["plugins", "check", "--kind", "generator", f"{FILE}:{name}"]) == 0


@pytest.mark.parametrize("name", ["OldStyle", "NewStyle"])
def test_a_compiled_one_gets_its_random_numbers_ready_made(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setattr("torch.compile", lambda forward, **_: forward)
    synthesis: Any = trainer_of(name).gan.generator.synthesis
    forward, ws, draw = CompiledForward(synthesis, torch.device("cpu")), torch.randn(2, 1, 8), FakeDraw(2)
    want = synthesis(ws, draw=draw)[-1].detach()
    got = forward(ws, Pass(draw=draw)) if name == "NewStyle" else forward(ws, draw=draw)
    [asked] = forward.asked.values()
    assert asked == [((), "normal", "noise", (8, 4, 4))]
    assert torch.allclose(got[-1], want, atol=1e-6)  # batch statistics moved


@pytest.mark.parametrize("generator", names("generator"))
def test_calls_of_before_mean_the_same_to_every_generator(generator: str):
    G = compose(experiment_of(generator, "residual"), Interface(16, 3)).generator.eval()
    ws, draw, stage = G.mapping(G.sample_z(FakeDraw(2))), FakeDraw(2), Stage(16)
    for fields in ((), ("const",), ("random", stage, draw)):
        torch.manual_seed(0)
        want = G.synthesis(ws, Pass(*fields))
        torch.manual_seed(0)
        got = G.synthesis(ws, **dict(zip(("noise_mode", "stage", "draw"), fields, strict=False)))
        torch.manual_seed(0)
        by_position = G.synthesis(ws, *fields)
        for image, again, once_more in zip(want, got, by_position, strict=True):
            assert torch.equal(image, again)
            assert torch.equal(image, once_more)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("NewSynthesis(OldSynthesis, Synthesis)", "NewSynthesis(OldSynthesis)", "should be a gancore.contracts.Syn"),
        ("def forward(self, ws: Tensor, how: Pass)", "def unused(self, ws: Tensor, how: Pass)", "is a field of `how`"),
    ],
    ids=["the base is missing", "the signature is old"],
)
def test_halves_of_the_old_and_the_new_are_refused(
    before: str, after: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code = FILE.read_text()
    assert before in code
    (tmp_path / "half.py").write_text(code.replace(before, after))
    assert cli.main(["plugins", "check", "--kind", "generator", f"{tmp_path / 'half.py'}:NewStyle"]) == 2
    assert message in capsys.readouterr().err
