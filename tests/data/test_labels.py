"""Labels as networks take them: rows, their memory, and how often each class is drawn."""

import pytest
import torch

from gancore.data.labels import LabelRows, random_labels
from gancore.evaluation.draws import SampleDraw
from gancore.training.step.draws import SeededDraw

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "draw", [SeededDraw.whole((0,), 2000), SampleDraw(0, range(2000), CPU)], ids=["training", "evaluation"]
)
def test_classes_are_drawn_as_often_as_the_data_have_them(draw: SeededDraw | SampleDraw) -> None:
    rows = LabelRows(torch.tensor([2] * 18 + [0] * 2), 4)
    labels = random_labels(rows, draw)
    assert labels is not None
    assert labels.shape == (2000, 4)
    assert torch.equal(labels.sum(1), torch.ones(2000))
    assert labels.mean(0).tolist() == pytest.approx([0.1, 0, 0.9, 0], abs=0.02)
    assert random_labels(None, draw) is None


def test_without_data_every_class_is_as_likely() -> None:
    labels = random_labels(LabelRows.of_each_class(4), SeededDraw.whole((0,), 4000))
    assert labels is not None
    assert labels.mean(0).tolist() == pytest.approx([0.25] * 4, abs=0.03)


def test_memory_is_linear_in_the_classes() -> None:
    """A million classes: a square of them would be 4 TB."""
    rows = LabelRows.of_each_class(1_000_000)
    labels = random_labels(rows, SeededDraw.whole((0,), 2))
    assert labels is not None
    assert labels.shape == (2, 1_000_000)
