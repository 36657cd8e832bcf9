"""A model on the page: what it offers, and its pictures as a function of the controls."""

import shlex
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from gancore.analysis import (
    Muted,
    consistency,
    magnitude,
    noise_maps,
    paint,
    paint_with,
    peak_place,
    peak_ratio,
    slerp,
)
from gancore.analysis.run import Ready
from gancore.analysis.subject import ModelSubject, Sources
from gancore.artifacts import load
from gancore.config.load import load_analyses
from gancore.contracts import ColourScale, Draw, Generator, Grid, HeatMap, Picture
from gancore.errors import GancoreError
from gancore.evaluation.draws import SampleDraw
from gancore.evaluation.pictures import finite
from gancore.evaluation.targets import label_rows
from gancore.explore.look import Look, StyleEdit
from gancore.sampling.start import of_seeds
from gancore.training.samples import check_label

STATISTICS = 2000
"""Samples of w that directions are computed from, and that a projection starts from."""


@dataclass(frozen=True)
class LayerMap:
    """The magnitude [H, W] of a layer's activations, its peak, and the terms of its droplet score."""

    layer: str
    values: Tensor
    place: tuple[float, float]
    ratio: float
    share: float

    @property
    def score(self) -> float:
        return self.ratio * self.share

    def figure(self, image: Tensor) -> Grid:
        """The image [C, R, R] beside the map, which is in units of its median."""
        relative = self.values / self.values.median().clamp_min(1e-12)
        note = f"peak {self.ratio:.3g} x share {self.share:.3g} = score {self.score:.3g}"
        tiles: list[list[Picture | HeatMap]] = [[Picture(image), HeatMap(relative, note, self.place)]]
        scale = ColourScale("magnitude over median", low=0.3, high=30.0, logarithmic=True)
        return Grid("map", f"Magnitude of {self.layer}", tiles, columns=["image", self.layer], scale=scale)


class Explored:
    """A trained generator. Its methods may be called from several threads; the model is used by one at a time."""

    def __init__(self, generator: Generator, name: str, device: torch.device, source: str = "MODEL") -> None:
        """source: its path, for commands."""
        self.name, self.device, self.source, self.lock = name, device, source, threading.RLock()
        self.subject = ModelSubject(
            Sources(generator, labels=label_rows(generator, None)), STATISTICS, seed=0, device=device
        )

    @classmethod
    def of(cls, path: Path, device: torch.device, trust: bool = False) -> "Explored":
        """The model of a run folder or a model file. Raises as `gancore.load` does."""
        name = path.resolve().name if path.is_dir() else path.stem
        return cls(load(path, trust_local_plugins=trust), name, device, str(path))

    @property
    def generator(self) -> Generator:
        return self.subject.generator

    def picture(self, look: Look, ws: Tensor | None = None) -> Tensor:
        """The image [C, R, R], nominal range [-1, 1], on the CPU.

        ws: those of a projection [num_ws, w_dim], in place of the first seed's.
        Raises GancoreError if this model does not take such a look, RunError for an image that is not finite.
        """
        with self.lock, torch.no_grad():
            return finite(self._painted(look, self.ws(look, ws)))[0].cpu()

    def suited(self, look: Look) -> Look:
        """The look without what this model does not offer, for a look of several models."""
        truncated, edits = "truncation" not in self.absent, "styles" not in self.absent
        return look.model_copy(
            update={"truncation_psi": look.truncation_psi if truncated else 1.0, "edits": look.edits if edits else ()}
        )

    def command(self, look: Look) -> str:
        """The command that makes the same picture; empty where none does."""
        G = self.generator
        if look.silent or look.edits or look.label_vector or (look.blend and look.crossover < G.num_ws):
            return ""
        options = {
            "--seeds": look.seed,
            "--truncation-psi": look.truncation_psi if look.truncation_psi != 1 else None,
            "--label": look.label if G.label_count else None,
            "--noise-mode": look.noise_mode if look.noise_mode != "const" else None,
        }
        words = [f"{name} {value}" for name, value in options.items() if value is not None]
        return " ".join(["gancore sample", shlex.quote(self.source), *words])

    def layer_map(self, look: Look, layer: str, ws: Tensor | None = None) -> LayerMap:
        """What a layer makes on the way to the picture. Raises GancoreError for a layer that is not there."""
        with self.lock, torch.no_grad():
            with self.subject.tap([layer]) as seen:
                self._painted(look, self.ws(look, ws))
            x = seen[layer].float()
        m = magnitude(x)
        place = peak_place(m)
        row, column = place[0].tolist()
        share = float(consistency(x, place))
        return LayerMap(layer, m[0].cpu(), (row, column), float(peak_ratio(m)), share)

    def ws(self, look: Look, projected: Tensor | None = None) -> Tensor:
        """The ws [1, num_ws, w_dim] of a look."""
        with self.lock, torch.no_grad():
            ws = self._blended(look, projected)
            for edit in look.edits:
                ws = self._edited(ws, edit)
            return ws

    def _blended(self, look: Look, projected: Tensor | None) -> Tensor:
        share, first = look.blend, look.crossover
        if projected is None and (share == 0 or first >= self.generator.num_ws):
            return self._mapped(self._z(look.seed), look)
        if projected is None and "ws" not in self.generator.provides:
            a, b = self._z(look.seed), self._z(look.other)
            return self._mapped(b if share == 1 else slerp(a, b, torch.full_like(a[:, :1], share)), look)
        ws = self._mapped(self._z(look.seed), look) if projected is None else projected[None].to(self.device)
        other = self._mapped(self._z(look.other), look)
        return torch.cat([ws[:, :first], torch.lerp(ws[:, first:], other[:, first:], share)], dim=1)

    def _z(self, seed: int) -> Tensor:
        z = of_seeds(self.generator, [seed]).z
        assert z is not None
        return z.to(self.device)

    def _mapped(self, z: Tensor, look: Look) -> Tensor:
        try:
            return self.generator.mapping(z, self.label(look), truncation_psi=look.truncation_psi)
        except ValueError as error:  # the contract's error for unsuitable arguments
            raise GancoreError(str(error)) from error

    def label(self, look: Look) -> Tensor | None:
        """The label [1, label_dim] of a look; None for a model without labels. Raises GancoreError."""
        size = self.generator.interface.label_dim
        if not size:
            return None
        if look.label_vector is None:
            check_label(look.label, self.generator)
            label = self.generator.numbered_labels([look.label])
            assert label is not None
            return label.to(self.device)
        if len(look.label_vector) != size:
            raise GancoreError(f"label vector: {len(look.label_vector)} numbers, and {self.name} takes {size}")
        return torch.tensor([look.label_vector], device=self.device)

    def _edited(self, ws: Tensor, edit: StyleEdit) -> Tensor:
        vectors, deviations = self.directions[edit.kind]
        if edit.number > len(vectors):
            raise GancoreError(f"direction {edit.number}: {self.name} has {len(vectors)}")
        step = (edit.amount * deviations[edit.number - 1] * vectors[edit.number - 1]).to(ws)
        moved = ws.clone()
        moved[:, edit.first : edit.last + 1, : len(step)] += step
        return moved

    @cached_property
    def directions(self) -> Mapping[str, tuple[Tensor, Tensor]]:
        """Of each kind: directions [K, D] of length 1, and the length of a step along each. Raises GancoreError.

        They are those of the analysis `directions`.
        """
        one = self._directions
        if reasons := list(one.refusals()):
            raise GancoreError("; ".join(reasons))
        tensors = one.record().result.tensors
        found = {"factorized": (tensors["factorized"], torch.ones(len(tensors["factorized"]), device=self.device))}
        if "principal" in tensors:
            found["principal"] = tensors["principal"], tensors["principal_deviations"]
        return found

    @cached_property
    def _directions(self) -> Ready:
        (part,) = load_analyses([{"use": "directions", "count": STATISTICS, "shown": 1}])
        return Ready(part, self.subject.sources, self.device)

    def _painted(self, look: Look, ws: Tensor) -> Tensor:
        draw: Draw = SampleDraw(look.seed, [0], self.device)
        if not look.silent:
            return paint(self.generator, ws, draw, look.noise_mode)
        off = look.silent
        maps = {name: torch.zeros_like(m) for name, m in noise_maps(self.generator).items() if layer_of(name) in off}
        heard = Muted(draw, lambda purpose, shape: purpose.removeprefix("noise.") not in off)
        return paint_with(self.generator, ws, maps, look.noise_mode, heard)

    @cached_property
    def absent(self) -> Mapping[str, str]:
        """The controls that this model does not offer, each with the reason."""
        G, found = self.generator, {}
        with self.lock, torch.no_grad():
            if reason := self._refused(Look(truncation_psi=0.5)):
                found["truncation"] = reason
            if G.num_ws < 2:
                found["crossover"] = "one w is that of all layers"
            if reasons := list(self._directions.refusals()):
                found["styles"] = "; ".join(reasons)
            if not self._has_noise():
                found["noise"] = "its images do not change with the noise (it takes none, or its strengths are all 0)"
            elif not noise_maps(G):
                found["noise by layer"] = "its noise is not stored layer by layer"
            if not G.label_count:
                found["label"] = "it was trained without labels"
            if not self.layers:
                found["layers"] = "no layer of its synthesis network has feature maps"
        return found

    @property
    def layers(self) -> list[str]:
        """Layers with maps of 2x2 pixels or more, in the order of computation."""
        return [layer.name for layer in self.subject.layers() if layer.resolution > 1]

    @property
    def noise_layers(self) -> list[str]:
        """Layers whose noise can be turned off."""
        return list(map(layer_of, noise_maps(self.generator)))

    def _refused(self, look: Look) -> str | None:
        try:
            self.ws(look)
        except GancoreError as error:
            return str(error)
        return None

    def _has_noise(self) -> bool:
        const, random, none = (self.picture(Look(noise_mode=mode)) for mode in ("const", "random", "none"))
        return not (torch.equal(const, none) and torch.equal(random, none))


def layer_of(buffer: str) -> str:
    """The layer of a noise map."""
    return buffer.rpartition(".")[0]
