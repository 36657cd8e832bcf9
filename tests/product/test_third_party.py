"""Plugins from elsewhere are trained like gancore's own: from a distribution, and from a file beside the experiment."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from click.testing import CliRunner
from support.distributions import EXAMPLE, write_dist_info
from support.tiny import tiny_mapping

import gancore
from gancore.cli import root
from gancore.discovery import discover
from gancore.errors import ConfigError

MINE = '''"""Half of an instance norm."""

from pydantic import Field
from torch import Tensor

from gancore.contracts import Normalization, PluginConfig


class Mine(Normalization):
    class Config(PluginConfig):
        eps: float = Field(1e-8, gt=0)

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return y * (y.square().mean(dim=(2, 3), keepdim=True) + self.cfg.eps) ** -0.25
'''


@pytest.fixture
def example_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example distribution as pip would have installed it."""
    site = tmp_path / "site"
    site.mkdir()
    write_dist_info(site, "gancore-example-plugin", "0.2.0", "[gancore]\nexample = gancore_example_plugin\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.syspath_prepend(EXAMPLE)
    discover.cache_clear()
    yield
    discover.cache_clear()
    for name in [name for name in sys.modules if name.startswith("gancore_example_plugin")]:
        del sys.modules[name]


@pytest.mark.usefixtures("example_distribution")
def test_distribution_trains_and_loads(tmp_path: Path) -> None:
    run = gancore.train(tiny_mapping(generator__normalization="rms_half", training__kimg=0.016), tmp_path / "run")
    G = gancore.load(run.path)
    assert "gancore_example_plugin" in type(G.synthesis.b8.conv0.normalization).__module__
    assert G(torch.zeros(1, G.z_dim)).isfinite().all()


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """An experiment with a local plugin, in a folder of its own."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "mine.py").write_text(MINE)
    mapping = tiny_mapping(
        plugins={"normalization": {"mine": "./mine.py:Mine"}},
        generator__normalization={"use": "mine", "eps": 1e-6},
        training__kimg=0.016,
    )
    (home / "experiment.yaml").write_text(yaml.safe_dump(mapping))
    return home / "experiment.yaml"


def test_local_file_is_trained_copied_and_trusted_only_when_asked(
    experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    result = CliRunner().invoke(root, ["train", str(experiment), "--out", str(run)])
    assert result.exit_code == 0, result.output
    assert (run / "plugins" / "mine.py").read_text() == MINE

    shutil.rmtree(experiment.parent)  # the run folder alone must do
    assert CliRunner().invoke(root, ["train", str(run)]).exit_code == 0  # of this account, so no flag is needed
    assert isinstance(gancore.load(run), gancore.contracts.Generator)

    monkeypatch.setenv("GANCORE_DATA", str(tmp_path / "another account"))
    with pytest.raises(ConfigError, match="--trust-local-plugins"):
        gancore.load(run)
    G = gancore.load(run, trust_local_plugins=True)
    assert type(G.synthesis.b8.conv0.normalization).__name__ == "Mine"

    again = ["train", str(run), "--out", str(tmp_path / "again")]
    refused = CliRunner().invoke(root, again)
    assert refused.exit_code != 0
    assert not (tmp_path / "again").exists()
    assert CliRunner().invoke(root, [*again, "--trust-local-plugins"]).exit_code == 0
    folders = (run, tmp_path / "again")
    first, second = (gancore.load(folder, trust_local_plugins=True).state_dict() for folder in folders)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_python_api_runs_ones_own_file(experiment: Path, tmp_path: Path) -> None:
    run = gancore.train(experiment, tmp_path / "run")
    assert run.model.is_file()


def test_a_changed_plugin_file_is_another_experiment(experiment: Path, tmp_path: Path) -> None:
    gancore.train(experiment, tmp_path / "run")
    (experiment.parent / "mine.py").write_text(MINE.replace("-0.25", "-0.5"))
    with pytest.raises(gancore.errors.RunError, match=r"normalization\.mine: local"):
        gancore.train(experiment, tmp_path / "run")


def test_an_edit_of_comments_alone_does_not_end_a_run(experiment: Path, tmp_path: Path) -> None:
    """The run goes on with the file as it is now, and from a second edit, too."""
    gancore.train(experiment, tmp_path / "run")
    for edit in (
        "# first\n" + MINE,
        MINE.replace("Half of", "One half  of").replace("self.cfg.eps)", "self.cfg.eps )"),
    ):
        (experiment.parent / "mine.py").write_text(edit)
        run = gancore.train(experiment, tmp_path / "run")
        [copy] = yaml.safe_load(run.config.read_text())["plugins"]["normalization"].values()
        assert (run.path / copy.removesuffix(":Mine")).read_text() == edit
        gancore.train(run.config, run.path)
        assert CliRunner().invoke(root, ["verify", str(run.path)]).exit_code == 0
    (run.path / "plugins" / "mine.py").write_text(
        "damaged"
    )  # what the run began with is gone: nothing is the same as it
    with pytest.raises(gancore.errors.RunError, match=r"normalization\.mine: local"):
        gancore.train(experiment, tmp_path / "run")
