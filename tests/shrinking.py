"""Presets of the papers made small: the same plugins and the same schedule, tiny networks, a few images.

A new preset needs nothing here as long as its plugins have the usual options. Those that have others say how they are
made small in `small.SMALL`, by kind and name; a preset that cannot live at 16x16 is in RESOLUTIONS.
"""

from typing import Any

from small import SMALL

from gancore.config import Experiment, load_experiment
from gancore.discovery import discover
from gancore.presets import preset_names

PRESETS = preset_names()

USUAL: dict[str, Any] = {"z_dim": 8, "w_dim": 8, "channels": {"base": 64, "max": 8}}
"""Options that many networks have, and what makes them small."""

RESOLUTIONS: dict[str, int] = {}
"""Width of the images, by the beginning of a preset's name, where 16 is too small."""

LABELS = 9
"""Classes of the embedded emoji."""


def preset(name: str) -> Experiment:
    """A preset by name, as it is shipped."""
    return load_experiment(f"preset:{name}")


def shrunk(name: str) -> Experiment:
    """The preset on emoji, with small networks and batch 4; one that grows has a step at half size and one fading."""
    mapping = preset(name).to_dict()
    resolution = next((size for start, size in RESOLUTIONS.items() if name.startswith(start)), 16)
    data, training = mapping["data"], mapping["training"]
    kept = {key: data[key] for key in ("channels", "labels", "mirror")}
    mapping["data"] = {"use": "emoji", "resolution": resolution, "fit": "resize", **kept}
    for kind in ("generator", "discriminator"):
        mapping[kind] |= _small_options(kind, mapping[kind])
    if training["growth"]:
        growth = {"start": resolution // 2, "stable_kimg": 0.003, "fade_kimg": 0.008, "batch": {}, "lr": {}}
        training["growth"] |= growth
    small = {"batch": 4, "microbatch": None, "kimg": 0.008, "device": "cpu", "precision": "fp32", "threads": 1}
    return load_experiment(mapping | {"training": training | small, "evaluation": None})


def _small_options(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    fields = discover().get(kind, options["use"]).load().Config.model_fields
    small = {name: value for name, value in USUAL.items() if name in fields}
    if "mapping" in fields:
        small["mapping"] = options["mapping"] | {"layers": 2, "features": None, "embed_features": None}
    return small | SMALL.get((kind, options["use"]), {})
