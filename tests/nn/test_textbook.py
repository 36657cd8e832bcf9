"""The benchmark's reference computes the same: image, logits, and gradients, in float64."""

import torch
from golden_cases import close
from published import discriminator, generator

from benchmarks.textbook import TextbookDiscriminator, TextbookGenerator

KWARGS = {"img_resolution": 32, "img_channels": 3, "c_dim": 0, "channel_base": 256, "channel_max": 12}


def test_textbook_networks_equal_ours() -> None:
    torch.manual_seed(0)
    mapping = {"num_layers": 2}
    G = generator({**KWARGS, "z_dim": 8, "w_dim": 8, "mapping_kwargs": mapping, "conv_clamp": None}).double()
    D = discriminator({**KWARGS, "conv_clamp": None}).double()
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
