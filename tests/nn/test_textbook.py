"""The benchmark's reference computes the same: image, logits, and gradients, in float64."""

import pytest
import torch
from support.golden_cases import close

from benchmarks.textbook import TextbookDiscriminator, TextbookGenerator
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface

CHANNELS = {"base": 256, "max": 12}


@pytest.mark.parametrize("normalization", ["demod", "adain", {"use": "pin", "rho": 0.3}])
def test_textbook_networks_equal_ours(normalization: object) -> None:
    torch.manual_seed(0)
    latents = {"z_dim": 8, "w_dim": 8, "mapping": {"layers": 2}}
    generator = {"use": "skip", "normalization": normalization, "channels": CHANNELS, **latents}
    mapping = {"data": {"use": "emoji", "resolution": 32}, "generator": generator, "discriminator": "residual"}
    gan = compose(load_experiment(mapping), Interface(32, 3))
    G, D = gan.generator.double(), gan.discriminator.double()
    for name, parameter in [*G.named_parameters(), *D.named_parameters()]:
        if name.endswith(("bias", "noise_strength")):
            torch.nn.init.normal_(parameter)
    textbook_G, textbook_D = TextbookGenerator(G), TextbookDiscriminator(D)
    z = torch.randn(8, 8, dtype=torch.float64)
    ws = G.mapping(z)
    close(textbook_G.mapping(z), ws.detach())
    ours = G.synthesis(ws, noise_mode="const")[-1]
    theirs = textbook_G.synthesis(ws, noise_mode="const")
    close(theirs, ours.detach())
    logits = D((ours,))[0]
    close(textbook_D(ours), logits.detach())
    got = torch.autograd.grad(textbook_D(theirs).sum(), list(textbook_G.net.synthesis.parameters()))
    want = torch.autograd.grad(logits.sum(), list(G.synthesis.parameters()))
    for a, b in zip(got, want, strict=True):
        close(a, b)
