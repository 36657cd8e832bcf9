"""The golden checkpoints by the command line alone: `gancore import`, then `gancore sample --latents`; no network."""

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.golden_checkpoints import TRUNCATED, Checkpoint, checkpoints, expected, labels_of, truncation_of

from gancore import cli
from gancore.artifacts import load

HELD = [checkpoint for checkpoint in checkpoints() if not checkpoint.held_back]
GIVEN_W_AVG = {"latent_avg", "truncation_latent", "w_avg"}
"""The average w of cases whose file has none; `gancore import` estimates it, so truncated images are others."""

WITHOUT_NOISE = ("image_nonoise", "image_zeronoise")

QUICK = {
    "ada_resnet_c10.pkl",
    "c10_rosinality_train.pt",
    "g06_r3gan_cond4_r8.pkl",
    "g11_stylegan_r16_label3_lod1p5.pkl",
}
"""Labels, an average w that is estimated, another system, a network that is growing; the others are slow."""


def marked() -> list[Any]:
    return [
        pytest.param(checkpoint, id=name, marks=[] if name in QUICK else [pytest.mark.slow])
        for checkpoint in HELD
        if (name := str(checkpoint))
    ]


@pytest.mark.parametrize("checkpoint", marked())
def test_images(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_network(*_: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.chdir(tmp_path)
    case, compared = checkpoint.case, 0
    assert cli.main(["import", str(checkpoint.path), "-o", "model.safetensors"]) == 0
    G = load("model.safetensors")
    given_noise, given_w_avg = bool({"noise", "noise0"} & case.tensors.keys()), not GIVEN_W_AVG.isdisjoint(case.tensors)
    label = labels_of(case, "z", G.interface.label_dim)
    arrays = {"z": case.tensors["z"]} | ({} if label is None else {"label": label})
    np.savez("z.npz", **{name: value.float().numpy() for name, value in arrays.items()})
    wanted: dict[str, list[str]] = {"image": []} | {name: ["--noise-mode", "none"] for name in WITHOUT_NOISE}
    for name in TRUNCATED:
        for option, value in truncation_of(case, name, G.num_ws).items():
            wanted.setdefault(name, []).extend([f"--{option.replace('_', '-')}", str(value)])
    for name, options in wanted.items():
        want = expected(case, name)
        if want is None or (given_noise and name not in WITHOUT_NOISE) or (given_w_avg and name in TRUNCATED):
            continue
        assert cli.main(["sample", "model.safetensors", "--latents", "z.npz", "--out", "x.npz", *options]) == 0
        with np.load("x.npz") as file:
            got = torch.from_numpy(file["images"])[: len(want)]
        limit = 1e-4 * max(1.0, float(want.abs().max()))
        assert (got - want.float()).abs().max() <= limit
        compared += 1
    assert compared
