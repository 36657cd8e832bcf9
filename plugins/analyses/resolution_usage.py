"""Resolution usage: how much of the image each resolution paints, at the end and over training.

Source: arXiv:1912.04958 section 4.2 and figure 8: with skips, the standard deviation of each toRGB's output, over
1024 random w and all pixels, as a share of the sum over resolutions. The paper leaves open whether samples and pixels
count together (here: they do, with the channels), the noise (here: random) and the weights (here: averaged).
Differs: a generator whose image is the sum of its toRGBs' outputs is measured in this way, and its exact shares of the
image's variance, Cov(part, image) / Var(image), which sum to 1, are given beside it. In any other (one toRGB, or images
that are not added up) the image is taken apart into octaves instead: what halving it by the filter 1, 3, 3, 1 loses.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from gancore.analysis import octaves, tapped, ws_of
from gancore.contracts import Analysis, Bars, Chart, Draw, Generator, Line, PluginConfig, Result, Subject, Value


class ResolutionUsage(Analysis):
    """Plugin `resolution_usage`: shares of the resolutions, directly with skips, else of the image's octaves."""

    count: ClassVar[int] = 256
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"finest": "higher"}

    class Config(PluginConfig):
        pass

    @property
    def protocol(self) -> str:
        return (
            "std over samples, pixels and channels of each resolution's part, over the sum; parts: what each toRGB "
            "where these add up to the image, else the octaves of the image; random noise, no truncation"
        )

    def analyze(self, subject: Subject) -> Result:
        painters = painters_of(subject)
        generator = subject.generator
        shares, exact = usage(subject, generator, painters, exact=True)
        numbers = {f"share/{r}": Value(share) for r, share in shares.items()}
        numbers |= {f"variance/{r}": Value(share) for r, share in exact.items()}
        centre = sum(share * torch.tensor(float(r)).log2().item() for r, share in shares.items())
        numbers |= {"finest": Value(shares[max(shares)]), "mean_octave": Value(centre)}
        method = "outputs of toRGB layers" if painters else "octaves of the image"
        figures: list[Bars | Chart] = [self.bars(shares, exact, method)]
        if "history" in subject.provided["run"]:
            figures.append(self.over_time(subject, painters, method))
        return Result(numbers, figures, {"parts": method})

    def bars(self, shares: Mapping[int, float], exact: Mapping[int, float], method: str) -> Bars:
        series = {"share of the std": [Value(100 * share) for share in shares.values()]}
        if exact:
            series["share of the variance"] = [Value(100 * share) for share in exact.values()]
        return Bars("shares", "Resolution usage", "share, %", [f"{r}x{r}" for r in shares], series, f"Parts: {method}.")

    def over_time(self, subject: Subject, painters: Mapping[str, int], method: str) -> Chart:
        """Stacked shares over the checkpoints."""
        rows = []
        for snapshot in subject.shown(subject.history(), 0, "checkpoints"):
            rows.append((snapshot.kimg, usage(subject, snapshot.generator, painters)[0]))
        known = sorted(set().union(*(shares for _, shares in rows)))
        x = [kimg for kimg, _ in rows]
        lines = [Line(f"{r}x{r}", x, [100 * shares.get(r, 0.0) for _, shares in rows]) for r in known]
        caption = f"Averaged generators of {len(rows)} checkpoints. Parts: {method}."
        return Chart(
            "over_time", "Resolution usage over training", "kimg", "share, %", lines, "stacked", caption=caption
        )


def painters_of(subject: Subject) -> dict[str, int]:
    """The toRGB layers whose images add up to the generator's, with their resolutions; none where they do not."""
    painters = {layer.name: layer.resolution for layer in subject.layers() if layer.image}
    if len(set(painters.values())) < 2:
        return {}
    draw, label = next(subject.draws(2))
    ws = ws_of(subject.generator, draw, label)
    whole, rest = _image(subject.generator, ws, draw), _only(subject, ws, draw, painters, "")
    parts = [_only(subject, ws, draw, painters, name) - rest for name in painters]
    total = torch.stack(parts).sum(dim=0) + rest
    adds_up = torch.allclose(total, whole, rtol=1e-3, atol=1e-3 * float(whole.std()))
    alone = sum(bool(part.abs().max() > 0) for part in parts) < 2
    return {} if alone or not adds_up else painters


def usage(
    subject: Subject, generator: Generator, painters: Mapping[str, int], exact: bool = False
) -> tuple[dict[int, float], dict[int, float]]:
    """Shares by resolution: of the standard deviation, and, with `exact`, of the variance of a sum of parts."""
    moments: dict[int, list[Tensor]] = {}
    products: dict[int, list[Tensor]] = {}
    for draw, label in subject.draws():
        with tapped(generator.synthesis, painters) as seen:
            image = generator.sample(draw, label).double()
        parts = {r: seen[name] for name, r in painters.items() if name in seen} if painters else octaves(image)
        for r, part in parts.items():
            moments.setdefault(r, []).append(_sums(part.double(), part.double()))
        if exact and painters:
            ws = ws_of(generator, draw, label)
            rest = _only(subject, ws, draw, painters, "")
            for name, r in painters.items():
                part = _only(subject, ws, draw, painters, name) - rest
                products.setdefault(r, []).append(_sums(part.double(), image))
    stds = {r: float(_covariance(rows).clamp_min(0).sqrt()) for r, rows in moments.items()}
    covariances = {r: float(_covariance(rows)) for r, rows in products.items()}
    return _over_sum(stds), _over_sum(covariances)


def _image(generator: Generator, ws: Tensor, draw: Draw) -> Tensor:
    return generator.synthesis(ws, noise_mode="random", stage=generator.stage, draw=draw)[-1]


def _only(subject: Subject, ws: Tensor, draw: Draw, painters: Mapping[str, int], kept: str) -> Tensor:
    """The image with the output of all toRGBs but one set to zero."""
    with subject.tap((), {name: torch.zeros_like for name in painters if name != kept}):
        return _image(subject.generator, ws, draw)


def _sums(a: Tensor, b: Tensor) -> Tensor:
    """Count, sums of both, and sum of products."""
    return torch.stack(
        [torch.tensor(float(a.numel()), dtype=torch.float64, device=a.device), a.sum(), b.sum(), (a * b).sum()]
    )


def _covariance(rows: list[Tensor]) -> Tensor:
    n, a, b, product = torch.stack(rows).sum(dim=0)
    return product / n - a / n * (b / n)


def _over_sum(values: Mapping[int, float]) -> dict[int, float]:
    total = sum(values.values()) or 1.0
    return {r: value / total for r, value in sorted(values.items())}
