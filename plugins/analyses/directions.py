"""Directions of w that change the image most: closed-form factorization of the styles, and principal components.

Sources: arXiv:2007.06600 (SeFa): with the style weights of all layers side by side, A [w, outputs], every column scaled
to length 1, the directions are the eigenvectors of A A^T by falling eigenvalue. arXiv:2004.02546 (GANSpace): the
principal components of w, walked in units of their deviations. The steps are those of the published tools: -3 to 3
along the former at truncation 0.7, -2 to 2 deviations along the latter.
Differs: all layers that read w count (the published code leaves out all toRGBs but the last), all slots are moved, and
eigenvectors are sorted (numpy's are not). A generator without styles has one such layer, its first.
"""

from collections.abc import Iterable
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from gancore.analysis import paint, sampled_ws
from gancore.contracts import Analysis, Chart, Grid, Line, Picture, PluginConfig, Result, Subject, Value

STEPS = 7


class Directions(Analysis):
    """Plugin `directions`: strips of images along factorized and principal directions, and their spectra."""

    count: ClassVar[int] = 2000

    class Config(PluginConfig):
        shown: int = Field(5, ge=1, le=32, description="directions of each kind in the figures")
        reach: float = Field(3.0, gt=0, le=100, description="largest step along a factorized direction of length 1")
        deviations: float = Field(
            2.0, gt=0, le=100, description="largest step along a principal one, in its deviations"
        )
        truncation_psi: float = Field(0.7, ge=0, le=1, description="of the sample that is walked from")

    cfg: Config

    @property
    def protocol(self) -> str:
        return (
            "factorized: eigenvectors of A A^T, columns of A are the rows of all style weights, of length 1; "
            "principal: eigenvectors of the covariance (1/n) of w, first slot, no truncation"
        )

    def misfits(self, subject: Subject) -> Iterable[str]:
        if not style_weights(subject):
            yield "no layer of its synthesis network reads ws by a matrix"

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        vectors, values = factorized(style_weights(subject))
        ws = sampled_ws(subject)
        start = ws[:1]
        figures: list[Grid | Chart] = []
        if "ws" in generator.provides:
            start = torch.lerp(ws.mean(dim=0, keepdim=True), start, self.cfg.truncation_psi)
        figures.append(self.strips(subject, "factorized", start, vectors, torch.full_like(values, self.cfg.reach), ""))
        shares = (values / values.sum()).tolist()
        numbers = {f"factorized/{k + 1}": Value(share) for k, share in enumerate(shares[:32])}
        lines = [Line("factorized", [float(k + 1) for k in range(len(shares))], _sums(shares))]
        tensors = {"factorized": vectors, "factorized_values": values}
        if "ws" in generator.provides:
            mean, components, stdev = principal(ws[:, 0])
            variance = (stdev.square() / stdev.square().sum().clamp_min(1e-24)).tolist()
            numbers |= {f"principal/{k + 1}": Value(share) for k, share in enumerate(variance[:32])}
            numbers["components_for_90"] = Value(float(sum(total < 0.9 for total in _sums(variance)) + 1))
            lines.append(Line("principal", [float(k + 1) for k in range(len(variance))], _sums(variance)))
            reach = self.cfg.deviations * stdev
            figures.append(self.strips(subject, "principal", start, components, reach, " deviations"))
            tensors |= {"principal": components, "principal_deviations": stdev, "mean": mean}
        numbers["first_share"] = Value(shares[0])
        figures.append(Chart("spectrum", "Directions: share of the first ones", "direction", "share of the sum", lines))
        return Result(numbers, figures, tensors=tensors)

    def strips(self, subject: Subject, name: str, start: Tensor, vectors: Tensor, reach: Tensor, unit: str) -> Grid:
        """A row for each direction, from one end to the other."""
        steps = [2 * k / (STEPS - 1) - 1 for k in range(STEPS)]
        ends = self.cfg.deviations if unit else self.cfg.reach
        tiles = []
        for vector, far in list(zip(vectors, reach, strict=True))[: self.cfg.shown]:
            moved = start.repeat(STEPS, 1, 1)
            along = torch.tensor(steps, device=start.device)[:, None] * far * vector
            moved[:, :, : vector.shape[0]] += along[:, None].to(start.dtype)
            tiles.append([Picture(image) for image in paint(subject.generator, moved)])
        columns = [f"{step * ends + 0.0:+.1f}" for step in steps]
        rows = [f"{k + 1}" for k in range(len(tiles))]
        title = f"{name.capitalize()} directions of w{', in deviations' * bool(unit)}"
        return Grid(name, title, tiles, rows, columns)


def style_weights(subject: Subject) -> list[Tensor]:
    """Weights [outputs, w_dim] of the layers that read ws, without the columns of a label beside z."""
    generator = subject.generator
    wide = generator.w_dim if "ws" in generator.provides else generator.z_dim
    matrices = (_matrix(module, generator.w_dim) for module in generator.synthesis.modules())
    found = [matrix.detach()[:, :wide] for matrix in matrices if matrix is not None]
    return found if "styles" in generator.provides else found[:1]


def factorized(weights: Iterable[Tensor], normalized: bool = True) -> tuple[Tensor, Tensor]:
    """Directions [w, w] as rows of length 1, and their eigenvalues [w], falling, of style weights [outputs, w].

    Not `normalized`: rows count as they are (the widely used port of StyleGAN2 in PyTorch).
    """
    rows = torch.cat([weight.flatten(1).double() for weight in weights])
    if normalized:
        rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-24)
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    return _signed(vectors.flip(1).T), values.flip(0)


def principal(w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [D], principal components [D, D] as rows, and deviations (1/n) along them [D], of samples w [N, D]."""
    w = w.double()
    mean = w.mean(dim=0)
    values, vectors = torch.linalg.eigh((w - mean).T @ (w - mean) / len(w))
    return mean, _signed(vectors.flip(1).T), values.flip(0).clamp_min(0).sqrt()


def _signed(rows: Tensor) -> Tensor:
    """Rows turned so that the largest entry of each is positive: the sign of an eigenvector is arbitrary."""
    largest = rows.gather(1, rows.abs().argmax(dim=1, keepdim=True))
    return rows * torch.where(largest < 0, -1.0, 1.0)


def _matrix(module: nn.Module, w_dim: int) -> Tensor | None:
    weight = getattr(module, "weight", None)
    return weight if isinstance(weight, Tensor) and weight.ndim == 2 and weight.shape[1] == w_dim else None


def _sums(shares: list[float]) -> list[float]:
    return torch.tensor(shares).cumsum(0).tolist()
