"""Every generator of the registry truncates, or refuses it with ValueError as the contract says."""

from typing import Any

import pytest
import torch
from support.small import load, names, options_of

from gancore.contracts import Generator, Interface, Normalization, PluginConfig, Site
from gancore.errors import GancoreError
from gancore.training.samples import generate
from gancore_plugins.normalization.none import NoNormalization

WITHOUT = {"stack"}
"""Generators whose latents have no magnitude to reduce."""

every_generator = pytest.mark.parametrize("name", names("generator"))


def plain(site: Site) -> Normalization:
    return NoNormalization(PluginConfig(), site)


def built(name: str) -> Generator:
    torch.manual_seed(0)
    cls: Any = load("generator", name)
    made: Generator = cls(cls.Config(**options_of("generator", name)), Interface(16, 3), plain)
    return made.eval()


@every_generator
def test_truncates_or_refuses_to(name: str) -> None:
    G = built(name)
    z = torch.randn(2, G.z_dim)
    if name in WITHOUT:
        with pytest.raises(ValueError, match=r"no truncation: truncation_psi should be 1, not 0\.5"):
            G(z, truncation_psi=0.5)
    else:
        assert not torch.equal(G(z, truncation_psi=0.5), G(z))
    assert torch.equal(G(z, truncation_psi=1), G(z))


@every_generator
def test_a_cutoff_counts_ws(name: str) -> None:
    G = built(name)
    z = torch.randn(2, G.z_dim)
    if "ws" not in G.provides:
        with pytest.raises(ValueError, match="leave truncation_cutoff out"):
            G(z, truncation_cutoff=0)
        return
    for cutoff in (-1, G.num_ws + 1):
        with pytest.raises(ValueError, match=f"should be 0 to {G.num_ws}, not {cutoff}"):
            G(z, truncation_psi=0.5, truncation_cutoff=cutoff)
    free, pulled = G.mapping(z), G.mapping(z, truncation_psi=0.5)
    half = G.mapping(z, truncation_psi=0.5, truncation_cutoff=2)
    assert torch.equal(half, torch.cat([pulled[:, :2], free[:, 2:]], dim=1))
    assert torch.equal(G(z, truncation_psi=0.5, truncation_cutoff=2), G.synthesis(half, noise_mode="const")[-1])


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_samples_are_refused_in_words(name: str) -> None:
    with pytest.raises(GancoreError, match="no truncation"):
        generate(built(name), 2, 0, truncation_psi=0.5)
