"""Resolution usage is exact where the contributions are known."""

import pytest
import torch
from support.subjects import subject, subject_of
from torch import Tensor, nn
from torch.nn import functional as F

from gancore.analysis import octaves
from gancore.contracts import Generator, Images, Interface, Pass, Synthesis
from gancore.nn import Latent
from gancore_plugins.analyses.resolution_usage import ResolutionUsage


class Painter(nn.Module):
    """Gives planes of +a and -a, turn by turn over samples: a standard deviation of exactly a."""

    def __init__(self, side: int, a: float) -> None:
        super().__init__()
        self.side, self.a = side, nn.Parameter(torch.tensor(a))

    def forward(self, sign: Tensor) -> Tensor:
        return (sign * self.a).view(-1, 1, 1, 1).expand(-1, 3, self.side, self.side)


class Known(Synthesis):
    """The sum of three painters, whose signs are those of three entries of z."""

    def __init__(self) -> None:
        super().__init__()
        self.b4, self.b8, self.b16 = Painter(4, 1.0), Painter(8, 2.0), Painter(16, 5.0)

    def forward(self, ws: Tensor, how: Pass) -> Images:
        sign = ws[:, 0].sign()
        parts = [painter(sign[:, i]) for i, painter in enumerate((self.b4, self.b8, self.b16))]
        return (sum(F.interpolate(part, size=16) for part in parts),)


class KnownGenerator(Generator):
    def __init__(self) -> None:
        super().__init__(None, Interface(16, 3), lambda site: None)
        self.z_dim, self.w_dim, self.num_ws = 3, 3, 1
        self.mapping, self.synthesis = Latent(0), Known()

    def sample_z(self, draw) -> Tensor:
        """All eight combinations of signs, turn by turn: the parts do not covary."""
        bits = torch.tensor([[i >> k & 1 for k in range(3)] for i in draw.indices])
        return bits * 2.0 - 1


def test_shares_of_a_known_synthesis_are_exact() -> None:
    found = ResolutionUsage(None).analyze(subject(KnownGenerator(), count=32))
    assert found.places["parts"] == "outputs of toRGB layers"
    for r, a in ((4, 1.0), (8, 2.0), (16, 5.0)):
        assert found.numbers[f"share/{r}"].value == pytest.approx(a / 8, rel=1e-6)
        assert found.numbers[f"variance/{r}"].value == pytest.approx(a**2 / 30, rel=1e-6)
    assert found.numbers["finest"].value == pytest.approx(5 / 8, rel=1e-6)
    assert found.numbers["mean_octave"].value == pytest.approx((2 + 2 * 3 + 5 * 4) / 8, rel=1e-6)


def test_variances_of_a_generator_with_skips_sum_to_one() -> None:
    with torch.no_grad():
        found = ResolutionUsage(None).analyze(subject_of("skip", count=8))
    shares = [value.value for name, value in found.numbers.items() if name.startswith("variance/")]
    assert len(shares) == 3
    assert sum(shares) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("generator", ["residual", "pyramid", "dcgan"])
def test_other_generators_are_measured_by_octaves(generator: str) -> None:
    with torch.no_grad():
        assert ResolutionUsage(None).analyze(subject_of(generator)).places["parts"] == "octaves of the image"


def test_a_smooth_image_has_no_fine_octave_and_a_checkerboard_has_no_other() -> None:
    smooth = torch.linspace(-1, 1, 32)[:, None].expand(1, 1, 32, 32)
    board = (-1.0) ** (torch.arange(32)[:, None] + torch.arange(32)).view(1, 1, 32, 32)
    inner = (..., slice(8, -8), slice(8, -8))
    assert octaves(smooth)[32][inner].abs().max() < 1e-5
    coarse = octaves(board)
    assert coarse[32][inner].abs().mean() == pytest.approx(1, abs=1e-4)
    assert coarse[16].abs()[..., 4:-4, 4:-4].max() < 1e-5
