"""Phase: how far detail is bound to places of the image instead of to what it shows.

Sources: arXiv:1912.04958 section 4 and figure 6 (teeth that stay where they are while the head turns, blamed on
progressive growing); arXiv:2106.12423 section 2.2 and appendix E: EQ-T, EQ-T of fractions of a pixel, EQ-R, and figure
1: a column of pixels along a walk, in which what is stuck makes streaks. gancore.analysis has the operators.
EQ-T and EQ-R need an input that can be moved: a buffer [3, 3] of the synthesis network named `transform`.
Ours, for every generator: the binding of detail, the share of the variance of its energy (of what halving the image
loses) that places explain, over all samples; 0 where detail may be anywhere, 1 where it is at the same places always.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor

from gancore.analysis import (
    Psnr,
    batches,
    detail,
    moved_by_fractions,
    paint,
    paint_with,
    pseudo_rotated,
    rotated,
    rotation,
    sampled_ws,
    shifted,
    ws_of,
)
from gancore.contracts import (
    Analysis,
    ColourScale,
    Draw,
    Grid,
    HeatMap,
    Picture,
    PluginConfig,
    Result,
    Subject,
    Value,
)

FARTHEST = 0.125
"""Share of the image by which EQ-T moves it at most, each way."""


class Phase(Analysis):
    """Plugin `phase`: EQ-T and EQ-R where the input can be moved, and how far detail is bound to places."""

    count: ClassVar[int] = 128
    directions: ClassVar[Mapping[str, Literal["higher", "lower"]]] = {"binding": "lower"}

    class Config(PluginConfig):
        pass

    @property
    def protocol(self) -> str:
        return (
            "eqt, eqt_frac, eqr: published EQ-T, EQ-T_frac, EQ-R in dB, a new move for each batch of 16; binding: "
            "share of the variance of the finest octave's energy that places explain, random noise; else noise const; "
            "no truncation"
        )

    def analyze(self, subject: Subject) -> Result:
        generator = subject.generator
        ws = sampled_ws(subject)
        images = torch.cat([generator.sample(draw, label) for draw, label in subject.draws()])
        found, average = binding(images)
        numbers = {"binding": Value(found)}
        tiles: list[Picture | HeatMap] = [HeatMap(average / average.mean().clamp_min(1e-12), "generated")]
        if "images" in subject.provided["dataset"]:
            real, theirs = binding(subject.reals(subject.count))
            numbers["binding_real"] = Value(real)
            tiles.append(HeatMap(theirs / theirs.mean().clamp_min(1e-12), "real"))
        scale = ColourScale("mean energy of detail, over its mean", low=0.0)
        figures = [Grid("places", "Where detail is, over all samples", [tiles], scale=scale), self.slice(subject, ws)]
        name = transform_of(subject)
        if name is not None:
            psnr, rows = self.equivariance(subject, name)
            numbers |= {key: Value(one.decibels) for key, one in psnr.items()}
            columns = ["image", "image moved", "input moved", "difference"]
            difference = ColourScale("absolute difference", low=0.0)
            title = "Equivariance: moving the image against moving the input"
            figures.append(Grid("equivariance", title, rows, ["EQ-T", "EQ-T frac", "EQ-R"], columns, difference))
        where = {} if name else {"EQ-T, EQ-R": "not measured: the synthesis network has no input that can be moved"}
        return Result(numbers, figures, where)

    def slice(self, subject: Subject, ws: Tensor) -> Grid:
        """The middle column of pixels along a walk in w, from left to right."""
        generator = subject.generator
        steps = torch.linspace(0, 1, 2 * generator.resolution, device=ws.device)[:, None, None]
        walk = paint(generator, torch.lerp(ws[:1], ws[1:2], steps))
        columns = walk[..., walk.shape[3] // 2].permute(1, 2, 0)
        caption = "The middle column of pixels along a straight walk in w; streaks are detail that stays where it is."
        return Grid("slice", "Phase: one column over a walk", [[Picture(columns)]], caption=caption)

    def equivariance(self, subject: Subject, name: str) -> tuple[dict[str, Psnr], list[list[Picture | HeatMap]]]:
        """The three ratios, and a row for each from the first sample."""
        psnr = {key: Psnr() for key in ("eqt", "eqt_frac", "eqr")}
        rows: list[list[Picture | HeatMap]] = []
        for draw, label in batches(subject):
            ws = ws_of(subject.generator, draw, label)
            own = paint_with(subject.generator, ws, {name: torch.eye(3).to(ws)})
            for key, (reference, mask, test) in _moves(subject, ws, name, own, draw).items():
                psnr[key].add(reference, test, mask)
                if len(rows) < len(psnr):
                    apart = HeatMap(((reference - test).abs().mean(dim=1) * mask)[0])
                    rows.append([Picture(own[0]), Picture(reference[0]), Picture(test[0]), apart])
        return psnr, rows


def binding(images: Tensor) -> tuple[float, Tensor]:
    """The share of the variance of detail's energy that places explain, and the mean energy [R, R]."""
    x = images.float()
    lost = detail(x) if x.shape[2] % 2 == 0 else x - x.mean(dim=(2, 3), keepdim=True)
    energy = lost.double().square().mean(dim=1)  # [N, R, R]
    average, within = energy.mean(dim=0), energy.var(dim=0, correction=1).mean()
    between = average.var(correction=0) - within / len(energy)  # without the value of chance alone
    return float(between / (between + within).clamp_min(1e-24)), average


def transform_of(subject: Subject) -> str | None:
    """The buffer of the synthesis network that moves its input."""
    buffers = subject.generator.synthesis.named_buffers()
    return next((k for k, v in buffers if k.rpartition(".")[2] == "transform" and v.shape == (3, 3)), None)


def _moves(
    subject: Subject, ws: Tensor, name: str, own: Tensor, draw: Draw
) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """For each test: the moved image, the mask, and the image of the moved input."""
    size = own.shape[2]
    tx, ty = ((2 * draw.once(f"move {axis}") - 1) * FARTHEST for axis in "xy")
    whole = round(tx * size) / size, round(ty * size) / size
    angle = (2 * draw.once("angle") - 1) * math.pi
    moves = {
        "eqt": (_shift(*whole), *shifted(own, *whole)),
        "eqt_frac": (_shift(tx, ty), *moved_by_fractions(own, tx, ty)),
        "eqr": (rotation(-angle), *rotated(own, angle)),
    }
    found = {}
    for key, (matrix, reference, mask) in moves.items():
        test = paint_with(subject.generator, ws, {name: matrix.to(ws)})
        if key == "eqr":
            test, inside = pseudo_rotated(test, angle)
            mask = mask * inside
        found[key] = (reference, mask, test)
    return found


def _shift(tx: float, ty: float) -> Tensor:
    """The inverse of a shift."""
    return torch.tensor([[1.0, 0.0, -tx], [0.0, 1.0, -ty], [0.0, 0.0, 1.0]])
