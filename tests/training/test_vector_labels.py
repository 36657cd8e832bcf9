"""Labels that are vectors: from a dataset plugin through cache, training, the sample grid and the model file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import QUICK, tiny_mapping

import gancore
from gancore.config import load_experiment
from gancore.config.sections.data import DataKeys
from gancore.contracts import Dataset, Item
from gancore.data import open_data, opening
from gancore.errors import DataError, GancoreError
from gancore.evaluation.fakes import Generated
from gancore.training.samples import generate, latents

PLUGIN = """
import numpy as np
from gancore.contracts import Dataset, Item

class Tinted(Dataset):
    \"\"\"Squares of one colour, which is their label.\"\"\"
    default_resolution = 8

    def items(self):
        colours = np.random.default_rng(0).random((20, 3))
        return [Item(str(i), lambda c=c: np.full((8, 8, 3), 255 * c, np.uint8), c) for i, c in enumerate(colours)]
"""


class Given(Dataset):
    """Images of one pixel value with the labels it is given."""

    def __init__(self, labels: Sequence[Any], file: Path) -> None:
        super().__init__(self.Config(), Path())
        self.labels, self.file = labels, file

    def items(self) -> Sequence[Item]:
        return [Item(str(i), lambda: np.zeros((8, 8, 3), np.uint8), label) for i, label in enumerate(self.labels)]

    def sources(self) -> Sequence[Path]:
        return [self.file]


@pytest.mark.parametrize("label", [list, np.array], ids=["list", "array"])
def test_vectors_come_back_from_the_cache_to_the_last_bit(
    label: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "WORTH_KEEPING", -1.0)
    file = tmp_path / "source"
    file.write_bytes(b"")
    rows = [[0.1, -2.0, 1 / 3], [1e-30, 5.0, 7.0]]
    dataset = Given([label(row) for row in rows], file)
    keys = DataKeys(resolution=8, labels=True)
    first, second = (open_data(dataset, keys, tmp_path) for _ in range(2))
    assert list(tmp_path.glob("*.images"))
    for data in (first, second):
        assert data.interface.label_dim == 3
        labels = data.labels_of(torch.tensor([1, 0]), "cpu")
        assert labels is not None
        assert torch.equal(labels, torch.tensor([rows[1], rows[0]]))
    other = open_data(Given([label([0.1, -2.0, 0.5]), label(rows[1])], file), keys, tmp_path)
    assert other.identity.sha256 != first.identity.sha256


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[1.0, 2.0], [1.0]], "same number of entries"),
        ([1, [1.0]], "all be whole numbers, or all vectors"),
        ([[[1.0]], [[2.0]]], "all be whole numbers, or all vectors"),
        ([[1.0], [float("nan")]], "label of 1 has an entry that is not a finite number"),
    ],
)
def test_labels_that_are_no_vectors_of_one_size_are_refused(labels: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        open_data(Given(labels, tmp_path / "none"), DataKeys(resolution=8, labels=True), tmp_path)


def test_a_run_on_vectors_samples_with_labels_of_its_data(tmp_path: Path) -> None:
    (tmp_path / "tinted.py").write_text(PLUGIN)
    mapping = tiny_mapping(**QUICK, data={"use": "tinted", "labels": True}, training__kimg=0.016, training__batch=4)
    mapping["plugins"] = {"dataset": {"tinted": "./tinted.py:Tinted"}}
    mapping["data"] = {"use": "tinted", "labels": True}
    run = gancore.train(load_experiment(mapping, base=tmp_path), tmp_path / "run")
    assert list((tmp_path / "run" / "samples").glob("fakes-*.png")), run
    G = gancore.load(tmp_path / "run", trust_local_plugins=True)
    colours = torch.from_numpy(np.random.default_rng(0).random((20, 3))).float()
    assert G.examples is not None
    assert torch.equal(G.examples, colours)
    assert torch.equal(generate(G, 1, 0, label=3), G(latents(G, 1, 0, torch.device("cpu")), colours[3:4]))
    with pytest.raises(GancoreError, match="examples of labels 0 to 19"):
        generate(G, 1, 0, label=20)
    labels = {tuple(row.tolist()) for _, label in Generated(G).draws(0, 64) if label is not None for row in label}
    assert labels <= {tuple(row.tolist()) for row in colours}
    assert len(labels) > 10
