"""Seeded draws: slices of one global batch, and an endless shuffled stream."""

import numpy as np
import torch

from gancore.training.step.draws import SeededDraw, data_order

KEY = (0, 0, 5, "discriminator/main")


def test_slices_see_their_part_of_the_whole() -> None:
    whole = SeededDraw.whole(KEY, 8)
    parts = [SeededDraw(KEY, 8, start, start + 2, torch.device("cpu")) for start in range(0, 8, 2)]
    for name in ("normal", "uniform"):
        want = getattr(whole, name)("z", (3, 2))
        assert torch.equal(torch.cat([getattr(p, name)("z", (3, 2)) for p in parts]), want)
    assert len({p.once("cut") for p in parts}) == 1


def test_resized_slices_agree_too() -> None:
    whole = SeededDraw.whole(KEY, 8).resized(4).normal("z")
    parts = [SeededDraw(KEY, 8, s, s + 4, torch.device("cpu")).resized(2).normal("z") for s in (0, 4)]
    assert torch.equal(torch.cat(parts), whole)


def test_streams_differ_by_purpose_scope_and_key_only() -> None:
    draw = SeededDraw.whole(KEY, 4)
    assert torch.equal(draw.normal("z"), draw.normal("z"))
    others = [draw.normal("y"), draw.scoped("fake").normal("z"), SeededDraw.whole((1, 0, 5, "x"), 4).normal("z")]
    assert not any(torch.equal(draw.normal("z"), other) for other in others)


def test_known_numbers_do_not_change_between_versions() -> None:
    """A changed stream would silently change every published seed."""
    assert SeededDraw.whole(KEY, 1).once("cut") == 0.20307505197093012
    assert data_order(0, 10, 8, 4).tolist() == data_order(0, 10, 0, 12).tolist()[8:]


def test_every_epoch_shows_every_image_once_in_another_order() -> None:
    stream = data_order(seed=3, count=7, start=0, n=21).reshape(3, 7)
    assert all(sorted(epoch) == list(range(7)) for epoch in stream.tolist())
    assert len({tuple(epoch) for epoch in stream.tolist()}) == 3
    assert np.array_equal(data_order(3, 7, 5, 9), stream.reshape(-1)[5:14])
