"""ADA: exact transforms where there are some, and how its strength moves."""

from typing import Any

import pytest
import torch
from support.fakes import FakeDraw, made
from torch import Tensor

from gancore.contracts import Interface
from gancore_plugins.augmentations.ada.corruption import band_filters

TOUCHED = {"rtol": 0, "atol": 2e-6}  # what the warp's float32 filter does to an image that stays where it is


def ada(image: Tensor, given: dict[str, Any] | None = None, **options: Any) -> Tensor:
    augment = made(
        "augmentation", "ada", Interface(image.shape[3], image.shape[1]), **{"set": "none", "p": 1, **options}
    )
    (changed,) = augment((image,), FakeDraw(len(image), given=given or {}), 0.0)
    return changed


def noise(n: int = 2, channels: int = 3, size: int = 16) -> Tensor:
    return torch.randn(n, channels, size, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def smooth(size: int = 32) -> Tensor:
    places = torch.linspace(-1, 1, size, dtype=torch.float64)
    return torch.stack([places[:, None] * 0.3 + places.square() * c for c in (0.2, 0.5, 0.9)])[None]


def test_warp_without_a_change_gives_the_image_back() -> None:
    """The orthogonal wavelet reconstructs perfectly: p = 0 trains on the images themselves."""
    image = noise()
    torch.testing.assert_close(ada(image, set="bg", p=0), image, **TOUCHED)


@pytest.mark.parametrize(("u", "x", "y"), [((1.0, 0.5), 2, 0), ((0.5, 0.0), 0, -2), ((0.0, 1.0), -2, 2)])
def test_integer_translation_moves_whole_pixels(u: tuple[float, float], x: int, y: int) -> None:
    image = noise()
    moved = ada(image, {"ada.integer_translation": torch.tensor([u])}, integer_translation=1)
    inner = slice(2, -2)
    torch.testing.assert_close(moved[..., inner, inner], image.roll((y, x), (2, 3))[..., inner, inner], **TOUCHED)


def test_translation_reflects_at_the_border() -> None:
    image = noise()
    moved = ada(image, {"ada.integer_translation": torch.tensor([1.0, 0.5])}, integer_translation=1)
    torch.testing.assert_close(moved[..., :2], image[..., [2, 1]], **TOUCHED)


def test_flip_and_quarter_turns() -> None:
    """Up to the filter, which is not symmetric: exact for images without the highest frequencies."""
    image, bound = smooth(), {"rtol": 0, "atol": 2e-2}
    torch.testing.assert_close(ada(image, {"ada.xflip": 0.9}, xflip=1), image.flip(3), **bound)
    for quarters in range(4):
        turned = ada(image, {"ada.rotate90": quarters / 4}, rotate90=1)
        torch.testing.assert_close(turned, image.rot90(quarters, (2, 3)), **bound)


@pytest.mark.parametrize("transform", ["brightness", "contrast", "luma_flip", "hue", "saturation"])
def test_colour_of_gray_pixels(transform: str) -> None:
    """A gray image changes as the gray pixels of a colour image do; hue and saturation leave them alone."""
    gray = noise(4, channels=1)
    as_color = ada(gray.expand(-1, 3, -1, -1), **{transform: 1})
    torch.testing.assert_close(ada(gray, **{transform: 1}), as_color[:, :1])
    torch.testing.assert_close(as_color[:, 0], as_color[:, 2])
    assert torch.allclose(as_color[:, :1], gray) == (transform in ("hue", "saturation"))


def test_hue_turns_around_the_luma_axis() -> None:
    """A third of a turn permutes red, green and blue."""
    image = noise()
    turned = ada(image, {"ada.hue": torch.tensor(0.5 + 1 / 3, dtype=torch.float64)}, hue=1)
    torch.testing.assert_close(turned, image.roll(1, dims=1))


def test_band_filters_add_up_to_the_identity() -> None:
    filters = band_filters()
    delta = torch.zeros(filters.shape[1], dtype=torch.float64)
    delta[filters.shape[1] // 2] = 1
    torch.testing.assert_close(filters.sum(0), delta)
    torch.testing.assert_close(filters.sum(1), torch.tensor([1.0, 0, 0, 0], dtype=torch.float64))


def test_cutout_blanks_a_quarter_at_the_centre() -> None:
    image = torch.ones(1, 1, 8, 8)
    blanked = ada(image, {"ada.cutout.center": 0.5}, cutout=1)
    assert blanked.sum() == 64 - 16
    assert not blanked[..., 2:6, 2:6].any()


def test_probability_is_the_share_of_changed_images() -> None:
    image = torch.ones(2000, 1, 1, 1)
    changed = (ada(image, p=0.3, brightness=1) != image).double().mean()
    assert changed.item() == pytest.approx(0.3, abs=0.04)  # four standard deviations
    halved = (ada(image, p=0.3, brightness=0.5) != image).double().mean()
    assert halved.item() == pytest.approx(0.15, abs=0.04)


def test_one_rotation_or_the_other_with_probability_p() -> None:
    image = smooth(8).expand(1000, -1, -1, -1)
    turned = ((ada(image, p=0.5, rotation=1) - image).abs().amax((1, 2, 3)) > 1e-3).double().mean()
    assert turned.item() == pytest.approx(0.5, abs=0.07)


def strength(steps: int, logit: float, start: float = 0.0, batch: int = 10, **options: Any) -> float:
    augment = made("augmentation", "ada", Interface(8, 3), **options)
    augment.p.fill_(start)
    for _ in range(steps):
        for _ in range(2):  # microbatches
            augment.observe(torch.full([batch // 2], logit))
        augment.end_step(lambda value: value)
    return augment.p.item()


def test_strength_rises_by_one_in_kimg() -> None:
    assert strength(100, logit=1.0, kimg=2) == pytest.approx(0.5)
    assert strength(100, logit=1.0, kimg=2, interval=10) == pytest.approx(0.5)
    assert strength(7, logit=1.0, kimg=2) == pytest.approx(0.02)  # 4 of the 7 steps have acted


def test_strength_falls_no_lower_than_zero_and_is_not_held_at_one() -> None:
    assert strength(20, logit=-1.0, start=0.5, kimg=1) == pytest.approx(0.3)
    assert strength(100, logit=-1.0, start=0.5, kimg=1) == 0
    assert strength(40, logit=1.0, start=0.9, kimg=1) == pytest.approx(1.3)


def test_strength_rests_at_the_target() -> None:
    assert strength(20, logit=0.0, start=0.25, target=0.0, kimg=1) == 0.25


def test_fixed_and_scheduled_strength_do_not_adapt() -> None:
    image = noise(size=8).float()
    plugin = type(made("augmentation", "ada", Interface(8, 3)))
    ramp = {"schedule": "linear", "start": 0.0, "end": 0.8, "to_kimg": 10.0}
    augment = plugin(plugin.Config.model_validate({"p": ramp}), Interface(8, 3))
    augment((image,), FakeDraw(2), 5.0)
    for _ in range(4):
        augment.observe(torch.ones(1000))
        augment.end_step(lambda value: value)
    assert augment.scalars()["p"].item() == pytest.approx(0.4)


def test_state_continues_in_the_middle_of_an_interval() -> None:
    one, other = (made("augmentation", "ada", Interface(8, 3), kimg=1) for _ in range(2))
    for step in range(8):
        if step == 6:
            other.load_state_dict(one.state_dict())
        for augment in (one, other) if step >= 6 else (one,):
            augment.observe(torch.ones(10))
            augment.end_step(lambda value: value)
    assert one.p == other.p == pytest.approx(0.08)


def test_step_without_logits_is_harmless() -> None:
    augment = made("augmentation", "ada", Interface(8, 3), interval=1)
    augment.p.fill_(0.25)
    augment.end_step(lambda value: value)
    assert augment.p == 0.25
