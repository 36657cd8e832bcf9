"""Batches: exact values, mirrored samples, memory format."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gancore.data import ImageData


@pytest.fixture
def data(make: Any, tmp_path: Path) -> ImageData:
    pixels = make.pixels(6, 8)
    pixels[0, :2] = [[[0, 0, 0]], [[255, 255, 255]]]
    files = {f"{'xyz'[i % 3]}/{i}.png": make.file(picture) for i, picture in enumerate(pixels)}
    return make.open("folder", make.folder(tmp_path, files), labels=True)


def test_values_shape_and_memory_format(data: ImageData) -> None:
    indices = torch.tensor([5, 0, 0, 3])
    batch = data.batch(indices, None, "cpu")
    assert batch.shape == (4, 3, 8, 8)
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)
    expected = data.images[indices.numpy()].astype(np.float64) / 127.5 - 1
    torch.testing.assert_close(batch.double(), torch.from_numpy(expected), rtol=0, atol=1.2e-7)
    assert batch[1, :, 0].unique().tolist() == [-1]
    assert batch[1, :, 1].unique().tolist() == [1]


def test_flip_mirrors_the_chosen_samples(data: ImageData) -> None:
    indices = np.arange(6)
    plain = data.batch(indices, None, torch.device("cpu"))
    flip = torch.tensor([True, False, True, False, False, True])
    mirrored = data.batch(indices, flip, torch.device("cpu"))
    assert mirrored.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(mirrored[flip], plain[flip].flip(3))
    assert torch.equal(mirrored[~flip], plain[~flip])


def test_batches_do_not_change_the_images(data: ImageData) -> None:
    before = data.images.copy()
    data.batch(torch.arange(6), None, "cpu").zero_()
    np.testing.assert_array_equal(data.images, before)


def test_labels_as_rows_with_one_1(data: ImageData) -> None:
    assert data.labels is not None
    assert data.interface.label_dim == 3
    labels = data.labels_of(torch.tensor([4, 0]), "cpu")
    assert labels is not None
    assert labels.dtype == torch.float32
    assert torch.equal(labels, torch.eye(3)[data.labels[[4, 0]]])


def test_no_labels_unless_asked_for(make: Any, tmp_path: Path, data: ImageData) -> None:
    plain = make.open("folder", tmp_path)
    assert plain.labels is None
    assert plain.labels_of(torch.tensor([0]), "cpu") is None
    assert plain.interface.label_dim == 0
    assert plain.class_names == []
