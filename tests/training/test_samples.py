"""Image i of a seed is a function of the seed and i."""

import pytest
import torch
from support.small import experiment_of, names, sampled

from gancore.composition import compose
from gancore.contracts import Generator, Interface, NoiseMode
from gancore.training.samples import generate
from gancore.training.step.draws import SeededDraw


def built(name: str, *overrides: str, label_dim: int = 0) -> Generator:
    torch.manual_seed(0)
    return compose(experiment_of(name, "residual", *overrides), Interface(16, 3, label_dim)).generator.eval()


CASES = [(name, mode) for name in names("generator") for mode in ("const", "random")]
WITH_NOISE = {(name, "random") for name in names("generator")} | {("skip", "const")}


@pytest.mark.parametrize(("name", "noise_mode"), sampled(CASES, WITH_NOISE))
def test_neither_count_nor_batch_changes_an_image(name: str, noise_mode: NoiseMode) -> None:
    """Nor a size of z that is no multiple of the blocks in which torch draws."""
    G = built(name, "generator.z_dim=5", label_dim=3)
    for path, p in G.named_parameters():
        if path.endswith("noise_strength"):
            p.data.fill_(1)  # 0 at the start
    many = generate(G, 19, 7, noise_mode=noise_mode, batch=16)
    few = generate(G, 18, 7, noise_mode=noise_mode, batch=5)
    one = generate(G, 1, 7, noise_mode=noise_mode)
    rounding = 1e-4 * float(many.abs().max())
    torch.testing.assert_close(few, many[:18], atol=rounding, rtol=0)
    torch.testing.assert_close(one, many[:1], atol=rounding, rtol=0)
    assert (generate(G, 1, 8, noise_mode=noise_mode) - one).abs().max() > 100 * rounding


@pytest.mark.parametrize(("latent", "z_dim"), [("normal", 100), ("normal", 5), ("uniform", 100), ("uniform", 5)])
def test_latents_of_usual_grids_are_those_of_all_versions(latent: str, z_dim: int) -> None:
    """A changed stream would silently change every published seed."""
    G = built("dcgan", f"generator.z_dim={z_dim}", f"generator.latent={latent}")
    seen: list[torch.Tensor] = []
    G.mapping.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    generate(G, 64, 3, batch=64)
    want = SeededDraw.whole((3, "samples"), 64).normal("z", (z_dim,))
    if latent == "uniform":
        want = SeededDraw.whole((3, "samples"), 64).uniform("z", (z_dim,)) * 2 - 1
    assert torch.equal(seen[0], want)
    for count in (1, 3, 7, 31):
        generate(G, count, 3, batch=64)
        assert torch.equal(seen[-1], want[:count])
