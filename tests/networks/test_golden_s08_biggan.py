"""Golden s08: BigGAN's generator and discriminator, and BigGAN-deep's generator, against BigGAN-PyTorch.

Its own batch norm takes statistics in float32, so float64 numbers agree to about 1e-7 where they are taken.
"""

from typing import Any

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published_biggan import fill, fill_attention, fill_block, fill_moments, with_spectral_norm
from torch import nn

from gancore.contracts import Interface
from gancore.nn.statistics import recomputed_moments
from gancore_plugins.discriminators.biggan import BigGAN as Discriminator
from gancore_plugins.generators.biggan import BigGAN as Generator
from gancore_plugins.generators.biggan_deep import BigGANDeep as DeepGenerator
from gancore_plugins.normalization.conditional_batch import ConditionalBatchNorm
from gancore_plugins.normalization.none import NoNormalization

generators = pytest.mark.parametrize("case", cases("s08_biggan_*generator*"), ids=str)


def generator(case: Case, iterated: bool) -> Generator | DeepGenerator:
    state, kwargs = case.under("G."), case.sidecar["constructor"]["kwargs"]
    assert kwargs["G_attn"] == "16"
    classes, shared = state["shared.weight"].shape
    resolution = kwargs["resolution"]
    plugin = DeepGenerator if "deep" in str(case) else Generator
    width = state["output_layer.0.gain"].shape[0]
    cfg = plugin.Config(
        z_dim=kwargs["dim_z"], shared_dim=shared, channels={"base": width * resolution, "max": width}, attention=(16,)
    )
    norm = ConditionalBatchNorm.Config(eps=kwargs["BN_eps"])
    G = plugin(cfg, Interface(resolution, 3, classes), lambda site: ConditionalBatchNorm(norm, site))
    with_spectral_norm(G)
    S = G.synthesis
    with torch.no_grad():
        G.mapping.embedding.copy_(state["shared.weight"])
        fill(S.b4.linear, state, "linear", iterated)
        for i, (name, block) in enumerate(blocks_of(G)):
            fill_block(block, state, f"blocks.{i}.0", iterated)
            if name in S.attention:
                fill_attention(S.attention[name], state, f"blocks.{i}.1", iterated)
        fill_moments(S.act.normalization.inner.moments, state, "output_layer.0.bn")
        S.act.normalization.gain.copy_(state["output_layer.0.gain"])
        S.act.bias.copy_(state["output_layer.0.bias"])
        fill(S.torgb, state, "output_layer.2", iterated)
    return G


def blocks_of(G: Any) -> list[tuple[str, nn.Module]]:
    """All blocks by name, in their order."""
    return [(name, G.synthesis.get_submodule(name)) for name in G.synthesis.blocks]


def labels(y: torch.Tensor, classes: int) -> torch.Tensor:
    return torch.eye(classes, dtype=torch.float64)[y]


@generators
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_images(case: Case, mode: str) -> None:
    G = generator(case, iterated=mode == "eval").train(mode == "train")
    z, y = case.tensors["z"].double(), labels(case.tensors["y"], G.interface.label_dim)
    close(G(z, y), case.tensors[f"{mode}.image64"], rtol64=1e-5 if mode == "train" else 1e-6)


@generators
def test_standing_statistics(case: Case) -> None:
    """Plain averages over passes; the published variance is the biased one."""
    G, given = generator(case, iterated=False).train(), case.under("standing64.")
    with recomputed_moments(G), torch.no_grad():
        for z, y in zip(case.tensors["standing.z"], case.tensors["standing.y"], strict=True):
            G(z.double(), labels(y, G.interface.label_dim))
    passes, n = case.tensors["standing.z"].shape[:2]
    for i, (_, block) in enumerate(blocks_of(G)):
        for k in range(4 if isinstance(G, DeepGenerator) else 2):
            normalization = block.get_submodule(f"act{k}").normalization
            values = n * normalization.site.resolution**2
            moments, theirs = normalization.moments, f"blocks.{i}.0.bn{k + 1}.bn.stored"
            close(moments.running_mean, given[f"{theirs}_mean"] / passes, rtol64=1e-5)
            close(moments.running_var * (values - 1) / values, given[f"{theirs}_var"] / passes, rtol64=1e-5)


@pytest.mark.parametrize("case", cases("s08_biggan_discriminator*"), ids=str)
def test_logits_and_gradient(case: Case) -> None:
    state, kwargs = case.under("D."), case.sidecar["constructor"]["kwargs"]
    width, classes = state["linear.weight"].shape[1], state["embed.weight"].shape[0]
    cfg = Discriminator.Config(
        channels={"base": width * 1024, "max": width}, smallest=8, flat_blocks=2, attention=(16, 8)
    )
    D = Discriminator(cfg, Interface(kwargs["resolution"], 3, classes), lambda site: NoNormalization(None, site))
    with_spectral_norm(D).eval()
    with torch.no_grad():
        for i, name in enumerate(D.blocks):
            fill_block(D.get_submodule(name), state, f"blocks.{i}.0", iterated=True)
            fill_attention(D.attention[name], state, f"blocks.{i}.1", iterated=True)
        fill(D.out, state, "linear", iterated=True)
        fill(D.embed, state, "embed", iterated=True, transposed=True)
    x, y = case.tensors["x"].double().requires_grad_(), case.tensors["y"]
    logits = D((x,), labels(y, classes))[0]
    close(logits[:, None], case.tensors["logits64"])
    close(torch.autograd.grad(logits.sum(), x)[0], case.tensors["grad_x64"])
    close(D((x,), labels((y + 1) % classes, classes))[0][:, None], case.tensors["logits_other_class64"])


@generators
def test_nothing_is_left_over(case: Case) -> None:
    """Every tensor of the published networks has its place in ours: as many numbers, u and v aside."""
    ours = sum(p.numel() for p in generator(case, iterated=False).parameters())
    theirs = {n: t for n, t in case.under("G.").items() if "stored" not in n and "counter" not in n}
    assert ours == sum(t.numel() for n, t in theirs.items() if not n.rpartition(".")[2].startswith(("u0", "sv0")))
