"""Golden checkpoints of other projects: which files belong to a case, and what is to come out of them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from support.golden_cases import FOLDER, Case, cases
from torch import Tensor
from torch.nn import functional as F

PATTERNS = ("c09_*_io", "c10_*_io", "p11_*_io", "g0*_io", "g1*_io")
PLACES = ("", "pickles", "tf_pickles")

HELD_BACK: dict[str, str] = {}
"""Cases whose networks ours cannot hold, by the beginning of their names, and why."""


@dataclass(frozen=True)
class Checkpoint:
    """One file of a case."""

    case: Case
    path: Path

    def __str__(self) -> str:
        return self.path.name

    @property
    def held_back(self) -> bool:
        return str(self.case).startswith(tuple(HELD_BACK))


def checkpoints() -> list[Checkpoint]:
    """All files of all cases, found by the names of the sidecars."""
    found = [case for pattern in PATTERNS if any(FOLDER.glob(f"{pattern}.json")) for case in cases(pattern)]
    return [Checkpoint(case, path) for case in found for path in _files(case)]


def _files(case: Case) -> Iterator[Path]:
    sidecar = case.sidecar
    listed = [*sidecar.get("checkpoints", ()), *sidecar.get("pickles", ())]
    names = [entry["file"] for entry in listed] or [
        sidecar.get("pickle", {}).get("file", f"{case}".removesuffix("_io") + ".pkl")
    ]
    there = [FOLDER / place / Path(name) for name in names for place in PLACES if (FOLDER / place / name).is_file()]
    there = list(dict.fromkeys(there))
    if any(path.name == "config.json" for path in there):
        return iter([there[0].parent])
    there = [path for path in there if path.suffix != ".json"]
    return iter([path for path in there if _is_imported(path.name, [other.name for other in there])])


def _is_imported(name: str, there: list[str]) -> bool:
    """Of several files that make a checkpoint, the averaged generator, or the only one; others are found beside it."""
    several = {"model=": ("model=G_ema-", "model=G-"), "_GAN_": ("_GAN_GEN_SHADOW_",)}
    best = [next(w for w in wanted if any(w in other for other in there)) for m, wanted in several.items() if m in name]
    return all(wanted in name for wanted in best)


def labels_of(case: Case, name: str, label_dim: int) -> Tensor | None:
    """The labels of the latents or of the images, one-hot; None without."""
    names = {"z": ("c", "label"), "x": ("label_x", "label_D", "label_img", "c")}[name]
    label = next((case.tensors[key] for key in names if key in case.tensors), None)
    if label is None or label.ndim == 2:
        return label
    return torch.eye(label_dim)[label]


FROM_0_TO_1 = "g05_lucidrains"
"""Cases whose images are on [0, 1], by the beginning of their names; ours are on [-1, 1]."""


def expected(case: Case, name: str) -> Tensor | None:
    """An expected output, images on [-1, 1]."""
    tensor = case.tensors.get(name)
    return tensor * 2 - 1 if tensor is not None and "image" in name and str(case).startswith(FROM_0_TO_1) else tensor


def images_of(case: Case) -> Tensor:
    """What the discriminator was shown: images of the case, or those of its generator."""
    finest = [f"x{i}" for i in reversed(range(8))]
    images = next(case.tensors[key] for key in ("x", "img", *finest, "image") if key in case.tensors)
    return images * 2 - 1 if str(case).startswith(FROM_0_TO_1) else images


def with_given_noise(case: Case, G: Any) -> None:
    """The noise of a case that gives it, in the place of the stored one."""
    given = [case.tensors[f"noise{i}"] for i in range(32) if f"noise{i}" in case.tensors]
    stored = [buffer for name, buffer in G.named_buffers() if name.endswith("noise_const")]
    for buffer, noise in zip(stored, given, strict=True) if given else ():
        buffer.copy_(noise[0, 0])


def painted(case: Case, G: Any, z: Tensor, label: Tensor | None, **options: Any) -> Tensor:
    """The images of latents; one by one where a case has a noise image [N, R, R, 1] for each, transposed as there."""
    if (noise := case.tensors.get("noise")) is None:
        return G.enlarged(G(z, label, **options))
    images = []
    for own_z, own_noise in zip(z, noise, strict=True):
        G.synthesis.noise_const.copy_(own_noise[:, :, 0].mT)
        images.append(G(own_z[None], label, **options))
    return torch.cat(images)


Outputs = dict[str, Callable[[], Tensor]]


def outputs(case: Case, G: Any, others: dict[str, Any], stages: dict[str, Any], dtype: torch.dtype) -> Outputs:
    """What we make of a case's inputs, by the names of its expected outputs."""
    z, label = case.tensors["z"].to(dtype), labels_of(case, "z", G.interface.label_dim)
    D, plain = others.get("discriminator"), others.get("generator")

    def every_second(make: Callable[[], Tensor]) -> Callable[[], Tensor]:
        return lambda: make()[..., ::2, ::2]

    def image(network: Any, **options: Any) -> Callable[[], Tensor]:
        def make() -> Tensor:
            own = None if label is None else label.to(dtype)
            return painted(case, network, z, own, **options)

        return make

    def logits(n: int) -> Callable[[], Tensor]:
        def make() -> Tensor:
            own, stage = labels_of(case, "x", D.interface.label_dim), stages.get("discriminator")
            x = images_of(case)[:n].to(dtype)
            x = x if stage is None else F.avg_pool2d(x, x.shape[-1] // stage.resolution)
            scales = [case.tensors[f"x{i}"].to(dtype) for i in range(8) if f"x{i}" in case.tensors]
            return D(tuple(scales) or (x,), None if own is None else own[:n].to(dtype), stage)[0]

        return make

    made: Outputs = {"image": image(G), "image_nonoise": image(G, noise_mode="none")}
    made["image_zeronoise"] = made["image_nonoise"]
    made |= {f"{name}_every2nd": every_second(make) for name, make in made.items()}
    for name in TRUNCATED:
        made[name] = image(G, **truncation_of(case, name, G.num_ws))
    if plain is not None:
        made["image_G"] = made["image_g"] = image(plain)
        made["image_g_every2nd"] = every_second(image(plain, noise_mode="none"))
    if D is not None:
        made |= {"logits": logits(len(images_of(case))), "logits_single": logits(1)}
        for n in (1, 2, 4, 8):
            made[f"logits_n{n}"] = made[f"scores_n{n}"] = logits(n)
    return made


TRUNCATED: dict[str, dict[str, Any]] = {
    "image_psi0.5": {"truncation_psi": 0.5},
    "image_psi07": {"truncation_psi": 0.7},
    "image_trunc0.7": {"truncation_psi": 0.7},
    "image_psi05_cut3": {"truncation_psi": 0.5, "truncation_cutoff": 3},
    "image_psi0.5_cutoff3": {"truncation_psi": 0.5, "truncation_cutoff": 3},
}


def truncation_of(case: Case, name: str, num_ws: int) -> dict[str, Any]:
    """How a truncated output was made; some cases say the cutoff in words."""
    cutoff = re.search(r"on the first (\d+) layers", str(case.sidecar["tensors"].get(name, {}).get("role")))
    return TRUNCATED[name] | ({"truncation_cutoff": min(int(cutoff[1]), num_ws)} if cutoff else {})
