"""BigGAN and SAGAN: sizes of the published networks, what is normalized, where label and latent enter."""

from functools import cache

import pytest
import torch
from support.presets import preset as shipped
from support.presets import shrunk
from support.tiny import tiny_mapping

from gancore.composition import GAN, compose
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.errors import ConfigError
from gancore.nn import SelfAttention, Weighted


@cache
def composed(name: str) -> GAN:
    """At 128x128 with 1,000 classes, on the meta device."""
    with torch.device("meta"):
        return compose(shipped(name), Interface(128, 3, 1000))


def small(name: str) -> GAN:
    return compose(shrunk(name), Interface(16, 3, 9))


def test_biggan_has_as_many_parameters_as_the_published_code() -> None:
    """At 128x128 with 1,000 classes; resnet_biggan_test.py of google/compare_gan expects these numbers."""
    gan = composed("biggan")
    counted = tuple(sum(p.numel() for p in network.parameters()) for network in (gan.generator, gan.discriminator))
    assert counted == (70_433_988, 87_982_370)


@pytest.mark.parametrize(("name", "size"), [("biggan", 64), ("sagan", 32)])
def test_attention_stands_at_the_size_of_the_paper(name: str, size: int) -> None:
    gan = composed(name)
    assert list(gan.generator.synthesis.attention) == [f"b{size}"]
    assert list(gan.discriminator.attention) == [f"b{2 * size}"]
    for network in (gan.generator, gan.discriminator):
        (found,) = (module for module in network.modules() if isinstance(module, SelfAttention))
        assert found.gamma.shape == ()


@pytest.mark.parametrize("name", ["biggan", "sagan"])
def test_every_weight_of_both_networks_is_normalized(name: str) -> None:
    gan = small(name)
    for network in (gan.generator, gan.discriminator):
        layers = [module for module in network.modules() if isinstance(module, Weighted)]
        assert layers
        assert all(hasattr(layer.weight_normalization, "u") for layer in layers)


def test_biggan_starts_orthogonal() -> None:
    gan = small("biggan")
    embedding = gan.generator.mapping.embedding
    for matrix in (embedding, *(m.weight for m in gan.generator.modules() if isinstance(m, Weighted))):
        rows = matrix.detach().flatten(1)
        rows = rows if rows.shape[0] <= rows.shape[1] else rows.T
        torch.testing.assert_close(rows @ rows.T, torch.eye(len(rows)), rtol=0, atol=1e-5)


def test_each_part_of_z_reaches_one_block_and_the_label_all_of_them() -> None:
    G = small("biggan").generator.eval()
    seen: dict[str, torch.Tensor] = {}
    for name in G.synthesis.blocks:
        block = G.synthesis.get_submodule(name)
        block.register_forward_pre_hook(
            lambda _, args, kwargs, name=name: seen.update({name: kwargs["condition"]}), with_kwargs=True
        )
    z, label = torch.randn(2, G.z_dim), torch.eye(9)[:2]
    G(z, label)
    part = G.z_dim // 3
    for i, name in enumerate(G.synthesis.blocks, 1):
        want = torch.cat([label @ G.mapping.embedding, z[:, i * part : (i + 1) * part]], dim=1)
        torch.testing.assert_close(seen[name], want)


def test_sagan_gives_the_label_to_its_normalizations_alone() -> None:
    G = small("sagan").generator
    assert G.synthesis.b4.linear.weight.shape[1] == G.z_dim
    z, label = torch.randn(4, G.z_dim), torch.eye(9)[[0, 1, 2, 3]]
    assert not torch.equal(G(z, label), G(z, label.flip(0)))


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["generator.use=biggan", "generator.attention=[12]"], "attention 12 is not the size of a block's output"),
        (["generator.use=biggan", "generator.z_dim=2"], "z is cut into 3 parts"),
        (["discriminator.use=biggan", "discriminator.attention=[16]"], "there are 4, 8"),
        (["generator.use=resnet", "generator.labels=normalization", "data.labels=true"], "choose conditional_batch"),
        (["generator.use=fastgan", "generator.labels=normalization", "data.labels=true"], "choose conditional_batch"),
        (["generator.use=biggan_deep", "generator.channels={each: [4, 8]}"], "must not grow with the resolution"),
    ],
)
def test_what_does_not_fit_is_told(overrides: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_experiment(tiny_mapping(regularizers=None), ["generator.normalization=batch", *overrides])
    assert words in str(raised.value)
