"""Every network of the registry that grows does so without a jump, and paints or reads at each stage's resolution.

At weight 0 of the newest block: the picture of the stage before, upsampled; the logits of the stage before, for the
downsampled image. At weight 1: the plain network of that size.
"""

from typing import Any

import pytest
import torch
from support.small import load, names
from torch import Tensor
from torch.nn import functional as F

from gancore.contracts import Interface, Normalization, PluginConfig, Site, Stage
from gancore_plugins.normalization.none import NoNormalization

R = 32
RESAMPLING: list[dict[str, Any]] = [
    {"resampling": "box", "resample_filter": None},
    {"resampling": "box", "resample_filter": [1, 2, 1]},
    {"resampling": "fir", "resample_filter": [1, 3, 3, 1]},
]
by_resampling = pytest.mark.parametrize("resampling", RESAMPLING, ids=["box", "blur", "fir"])


def growing(kind: str) -> list[str]:
    return [name for name in names(kind) if "growth" in load(kind, name).provides]


def plain(site: Site) -> Normalization:
    return NoNormalization(PluginConfig(), site)


def built(kind: str, name: str, io: Interface, **options: Any) -> Any:
    """A small network with biases that are not 0, so that a forgotten one shows."""
    torch.manual_seed(0)
    cls = load(kind, name)
    usual = {"z_dim": 8, "w_dim": 8, "channels": {"base": 64, "max": 8}, "mapping": {"layers": 2}}
    network = cls(cls.Config(**{k: v for k, v in usual.items() if k in cls.Config.model_fields}, **options), io, plain)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter)
    return network.double()


def grown_part(kind: str, name: str, network: Any, resolution: int, **options: Any) -> Any:
    """The network of another resolution, with the weights that it shares with a larger one."""
    part = built(kind, name, Interface(resolution, 3), **options)
    state = network.state_dict()
    part.load_state_dict({key: state[key] for key in part.state_dict()})
    return part


@by_resampling
@pytest.mark.parametrize("name", growing("generator"))
def test_generators_grow_without_a_jump(name: str, resampling: dict[str, Any]) -> None:
    G = built("generator", name, Interface(R, 3), **resampling)
    ws = torch.randn(2, G.num_ws, G.w_dim, dtype=torch.float64)

    def image(stage: Stage | None) -> Tensor:
        painted: Tensor = G.synthesis(ws, noise_mode="const", stage=stage)[-1]
        return painted

    for resolution in (8, 16, 32):
        before, start, end = image(Stage(resolution // 2)), image(Stage(resolution, 0.0)), image(Stage(resolution, 1.0))
        assert [each.shape[2] for each in (before, start, end)] == [resolution // 2, resolution, resolution]
        assert torch.allclose(start, G.synthesis.upsample(before), atol=1e-12)
        assert torch.allclose(image(Stage(resolution, 0.3)), start.lerp(end, 0.3), atol=1e-12)
        part = grown_part("generator", name, G, resolution, **resampling)
        plain_network = part.synthesis(ws[:, : part.num_ws], noise_mode="const")[-1]
        assert torch.allclose(end, plain_network, atol=1e-12)
        assert G.num_ws_at(Stage(resolution, 0.3)) == part.num_ws
    assert torch.equal(image(Stage(R)), image(None))


@by_resampling
@pytest.mark.parametrize("name", growing("discriminator"))
def test_discriminators_grow_without_a_jump(name: str, resampling: dict[str, Any]) -> None:
    D = built("discriminator", name, Interface(R, 3), **resampling)
    for resolution in (8, 16, 32):
        image = torch.randn(4, 3, resolution, resolution, dtype=torch.float64)

        def logits(image: Tensor, stage: Stage | None) -> Tensor:
            (head,) = D((image,), stage=stage)
            return head

        before = logits(D.downsample(image), Stage(resolution // 2))
        assert torch.allclose(logits(image, Stage(resolution, 0.0)), before, atol=1e-12)
        part = grown_part("discriminator", name, D, resolution, **resampling)
        end = logits(image, Stage(resolution, 1.0))
        assert torch.allclose(end, part((image,))[0], atol=1e-12)
        assert not torch.allclose(end, before)
        halfway = logits(image, Stage(resolution, 0.5))
        assert not torch.allclose(halfway, end)
        assert not torch.allclose(halfway, before)


@pytest.mark.parametrize("name", growing("discriminator"))
@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_reals_and_fakes_do_not_see_each_other_while_growing(name: str, alpha: float) -> None:
    D = built("discriminator", name, Interface(16, 3))
    a, b = torch.randn(2, 4, 3, 16, 16, dtype=torch.float64)
    stage = Stage(16, alpha)
    (together,) = D((torch.cat([a, b]),), stage=stage, parts=2)
    assert torch.allclose(together, torch.cat([D((half,), stage=stage)[0] for half in (a, b)]))


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k in ("generator", "discriminator") for n in growing(k)])
def test_every_parameter_is_trained_at_some_stage(kind: str, name: str) -> None:
    network = built(kind, name, Interface(16, 3))
    for stage in (Stage(4), Stage(8, 0.5), Stage(16, 0.5)):
        if kind == "generator":
            ws = torch.randn(2, network.num_ws, network.w_dim, dtype=torch.float64)
            network.synthesis(ws, noise_mode="const", stage=stage)[-1].square().sum().backward()
        else:
            image = torch.randn(2, 3, stage.resolution, stage.resolution, dtype=torch.float64)
            network((image,), stage=stage)[0].square().sum().backward()
    idle = [key for key, parameter in network.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert [key for key in idle if not key.startswith("mapping.")] == []


@pytest.mark.parametrize("name", growing("generator"))
def test_generators_show_the_stage_they_have_come_to(name: str) -> None:
    G = built("generator", name, Interface(16, 3))
    z = torch.randn(2, G.z_dim, dtype=torch.float64)
    G.stage = Stage(8, 0.5)
    assert G(z).shape == (2, 3, 8, 8)
    assert torch.equal(G.enlarged(G(z)), F.interpolate(G(z), scale_factor=2))
