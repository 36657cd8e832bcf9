"""examples/change_one_thing: each file keeps the contract, trains two steps, and changes what it says."""

from pathlib import Path

import pytest
import torch
from support.tiny import tiny_trainer, walked

from gancore import cli
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface

FOLDER = Path(__file__).parents[2] / "examples" / "change_one_thing"
PLUGINS = load_experiment(FOLDER / "experiment.yaml").plugins["generator"]
each = pytest.mark.parametrize("name", PLUGINS)


@each
def test_it_keeps_its_contract(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    assert cli.main(["plugins", "check", "--kind", "generator", PLUGINS[name]]) == 0


@each
def test_it_trains_two_steps(name: str) -> None:
    target = f"{FOLDER}/{PLUGINS[name].removeprefix('./')}"
    trainer = tiny_trainer(plugins={"generator": {name: target}}, generator__use=name, training__batch=4)
    before = {key: value.clone() for key, value in trainer.gan.generator.named_parameters()}
    walked(trainer, 2)
    assert trainer.first_bad_step() is None
    still = {key for key, value in trainer.gan.generator.named_parameters() if torch.equal(value, before[key])}
    assert not {key for key in still if "attention" not in key}  # while gamma is 0, nothing before it has a gradient
    assert "synthesis.b16.attention.gamma" not in still


@each
def test_one_thing_differs_from_stylegan2(name: str) -> None:
    def shapes(use: str) -> dict[str, torch.Size]:
        experiment = load_experiment(FOLDER / "experiment.yaml", [f"generator.use={use}"])
        G = compose(experiment, Interface(32, 3)).generator
        return {key: value.shape for key, value in G.state_dict().items()}

    changed, usual = shapes(name), shapes("skip")
    added = {key.split(".")[2] for key in changed.keys() - usual.keys()}
    assert added == {"attention16": {"attention"}, "deep_rgb": {"torgb"}, "repeated": set()}[name]
