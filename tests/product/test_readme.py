"""What README.md shows works as it is written there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.tiny import tiny_experiment

from gancore.config import load_experiment
from gancore.discovery import discover
from gancore.training import train

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
PLUGIN, PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_plugin_keeps_its_contract_and_trains(tmp_path: Path) -> None:
    (tmp_path / "rms.py").write_text(PLUGIN)
    (shown,) = [text for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "rms.py" in text]
    experiment = tiny_experiment(training__kimg=0.016).to_dict()
    written = yaml.safe_load(shown)
    experiment["generator"] |= written["generator"]
    experiment["plugins"] = written["plugins"]
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    found = load_experiment(tmp_path / "experiment.yaml")
    assert found.to_dict()["generator"]["normalization"] == {"use": "rms", "eps": 1e-6}
    assert train(found, tmp_path / "run").model.exists()


def test_the_python_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a smaller experiment in the place of the one it names."""
    named = "experiments/demo-long.yaml"
    assert named in PYTHON
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(tiny_experiment(training__kimg=0.016).to_dict()))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(PYTHON.replace(named, "small.yaml"), names)
    assert names["images"].shape == (8, 3, 16, 16)
    assert names["ws"].shape == (8, names["G"].num_ws, names["G"].w_dim)


def test_the_networks_are_counted() -> None:
    words = {
        14: "fourteen",
        15: "fifteen",
        16: "sixteen",
        17: "seventeen",
        18: "eighteen",
        19: "nineteen",
        20: "twenty",
    }
    count = {kind: words[len(discover().specs(kind))] for kind in ("generator", "discriminator")}
    assert f"the {count['generator']} generators and {count['discriminator']} discriminators" in README
