"""An equivariant toy has a high EQ-T, a bound one a low one; detail that stays where it is, is bound."""

import pytest
import torch
from support.subjects import subject, subject_of
from torch import Tensor

from gancore.contracts import Generator, Images, Interface, Pass, Synthesis
from gancore.nn import Latent
from gancore_plugins.analyses.phase import Phase, binding

SIDE = 32


class Waves(Synthesis):
    """Four slow waves of phases w, at places that `transform` moves; `bound` adds a pattern that does not move."""

    transform: Tensor

    def __init__(self, bound: float) -> None:
        super().__init__()
        self.bound = torch.nn.Parameter(torch.tensor(bound))
        self.register_buffer("transform", torch.eye(3))

    def forward(self, ws: Tensor, how: Pass) -> Images:
        at = (torch.arange(SIDE) + 0.5) / SIDE - 0.5
        y, x = torch.meshgrid(at, at, indexing="ij")
        places = torch.stack([x, y, torch.ones_like(x)], dim=2) @ self.transform.T
        turns = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.0, 3.0], [2.0, 2.0]])
        phases = (places[..., :2] @ turns.T) * 2 * torch.pi + ws[:, 0, None, None]
        fixed = (torch.arange(SIDE)[:, None] // 4 + torch.arange(SIDE) // 4) % 2 - 0.5
        return ((phases.sin().mean(dim=3) + self.bound * fixed)[:, None].expand(-1, 3, -1, -1),)


class WaveGenerator(Generator):
    def __init__(self, bound: float) -> None:
        super().__init__(None, Interface(SIDE, 3), lambda site: None)
        self.z_dim, self.w_dim, self.num_ws = 4, 4, 1
        self.mapping, self.synthesis = Latent(0), Waves(bound)


def numbers(bound: float) -> dict[str, float]:
    with torch.no_grad():
        found = Phase(Phase.Config()).analyze(subject(WaveGenerator(bound), count=32)).numbers
    return {name: value.value for name, value in found.items()}


def test_an_equivariant_toy_and_a_bound_one() -> None:
    free, bound = numbers(0.0), numbers(1.0)
    assert free["eqt"] > 60
    assert free["eqt_frac"] > 35  # what the filter of three lobes keeps of slow waves
    assert free["eqr"] > 30
    assert max(bound["eqt"], bound["eqt_frac"], bound["eqr"]) < 20
    assert bound["binding"] > 2 * free["binding"]


def test_generators_without_an_input_that_moves_have_no_ratios() -> None:
    with torch.no_grad():
        found = Phase(Phase.Config()).analyze(subject_of("skip"))
    assert "eqt" not in found.numbers
    assert "no input that can be moved" in found.places["EQ-T, EQ-R"]
    with torch.no_grad():
        assert "eqt" in Phase(Phase.Config()).analyze(subject_of("alias_free")).numbers


def test_binding_of_noise_is_nothing_and_of_one_pattern_all() -> None:
    g = torch.Generator().manual_seed(0)
    noise = torch.randn(400, 1, 16, 16, generator=g)
    assert binding(noise)[0] == pytest.approx(0, abs=0.02)
    pattern = torch.randn(1, 1, 16, 16, generator=g) * (1 + 1e-3 * torch.randn(50, 1, 1, 1, generator=g))
    assert binding(pattern)[0] > 0.99
