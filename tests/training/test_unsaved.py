"""A run says once which tensors of plugins no checkpoint has."""

from pathlib import Path
from typing import Any

import pytest
from support.tiny import tiny_experiment, tiny_trainer

from gancore.training import train
from gancore.training.checkpoint import unsaved

FORGETFUL = '''"""A regularizer that keeps what it should not."""

import torch
from torch import nn

from gancore.contracts import Normalization, Regularizer
from gancore_plugins.normalization.none import NoNormalization


class Forgetful(Regularizer):
    """Never penalizes."""

    side = "generator"

    def __init__(self, cfg):
        super().__init__(cfg)
        self.average = torch.zeros(3)
        self.history = []
        self.by_name = {"a": {"b": (torch.ones(1),)}}
        self.hidden = [nn.Linear(2, 2)]
        self.register_buffer("kept", torch.zeros(4))
        self.register_buffer("passing", torch.zeros(4), persistent=False)
        self.view = self.kept[:2]
        self.learned = nn.Parameter(torch.zeros(2))
        self.all_learned = [self.learned]
        self.factor, self.words = 2.0, ["no", "tensor"]

    def mix_ws(self, ws, again, draw):
        self.history.append(ws.detach().mean())
        return ws


class Leaky(NoNormalization):
    """Remembers what passed through it."""

    def statistic(self, y, parts=1):
        self.last = y.detach()
        return y
'''


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "forgetful.py"
    file.write_text(FORGETFUL)
    return {
        "plugins": {
            "regularizer": {"forgetful": f"{file}:Forgetful"},
            "normalization": {"leaky": f"{file}:Leaky"},
        },
        "regularizers": {"mine": {"use": "forgetful"}},
        "discriminator": {"use": "residual", "normalization": "leaky"},
    }


def test_tensors_of_plain_attributes_are_found_and_no_others(plugins: dict[str, Any]) -> None:
    trainer = tiny_trainer(**plugins)
    forgotten = [f"regularizers.mine (Forgetful): {name}" for name in ("average", "by_name", "hidden")]
    assert unsaved(trainer) == forgotten
    trainer.step()
    found = unsaved(trainer)
    assert "regularizers.mine (Forgetful): history" in found
    leaks = [line for line in found if "Leaky" in line]
    assert leaks
    assert all(line.startswith("discriminator/") and line.endswith(" (Leaky): last") for line in leaks)
    assert {*found} == {*forgotten, "regularizers.mine (Forgetful): history", *leaks}


def test_a_run_says_it_once(plugins: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tiny_experiment(**plugins, training__keep_checkpoints=3), tmp_path / "run")
    assert len(run.checkpoints()) == 3
    lines = [line for line in capsys.readouterr().err.splitlines() if "regularizers.mine (Forgetful): average" in line]
    assert len(lines) == 1
    assert "is in no checkpoint" in lines[0]


@pytest.mark.parametrize(
    "changes",
    [{}, {"generator__normalization": "pin", "augmentation": "ada"},
     {"discriminator": {"use": "residual", "weight_normalization": "spectral"}, "augmentation": "diffaug"}],
    ids=["stylegan2", "pin, ada", "spectral, diffaug"],
)  # fmt: skip
def test_built_in_plugins_have_none(changes: dict[str, Any]) -> None:
    trainer = tiny_trainer(**changes)
    trainer.step()
    assert unsaved(trainer) == []
