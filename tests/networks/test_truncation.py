"""Every generator of the registry truncates, or refuses it with ValueError as the contract says."""

from typing import Any

import pytest
import torch
from small import load, names, options_of

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


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_samples_are_refused_in_words(name: str) -> None:
    with pytest.raises(GancoreError, match="no truncation"):
        generate(built(name), 2, 0, truncation_psi=0.5)
