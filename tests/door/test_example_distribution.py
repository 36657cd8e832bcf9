"""The example of a third-party distribution is found by its entry point, and does what it says."""

import tomllib

import pytest
import torch
from support.distributions import EXAMPLE, names_of, write_dist_info

from gancore.contracts import Site
from gancore.discovery import discover


@pytest.fixture
def installed(site, monkeypatch):
    """The example as pip would install it: its folder on sys.path, its entry point in a .dist-info."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    [(name, value)] = project["entry-points"]["gancore"].items()
    write_dist_info(site, project["name"], project["version"], f"[gancore]\n{name} = {value}\n")
    monkeypatch.syspath_prepend(EXAMPLE)


@pytest.mark.usefixtures("installed")
def test_it_is_found_beside_the_first_party_plugins():
    assert names_of("gancore-example-plugin") == ["rms_half"]
    assert discover().get("normalization", "rms_half").origin == "gancore-example-plugin 0.2.0"
    assert discover().broken == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_root_mean_square_becomes_its_power(power: float):
    plugin = discover().get("normalization", "rms_half").load()
    site = Site("b8.conv0", 8, 0, 1, 4, 4, "generator", styled=True)
    y = torch.randn(3, 4, 8, 8, dtype=torch.float64) * 16
    before, after = (
        x.square().mean((1, 2, 3)).sqrt() for x in (y, plugin(plugin.Config(power=power), site).statistic(y))
    )
    torch.testing.assert_close(after, before ** (1 - power), rtol=1e-9, atol=0)
