"""The schedule of progressive growing, against the published tables of phases and the published formula."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest

from gancore.config.sections.growth import GrowthConfig
from gancore.config.sections.training import TrainingConfig
from gancore.contracts import Stage
from gancore.training.step.growth import Growth

# (first kimg, last kimg, resolution, fading in) of every phase: stable at 4, then [fade, stable] for each doubling.
PGGAN_1 = [
    (0, 800, 4, False),
    (800, 1600, 8, True),
    (1600, 2400, 8, False),
    (2400, 3200, 16, True),
    (3200, 4000, 16, False),
    (4000, 4800, 32, True),
    (4800, 5600, 32, False),
    (5600, 6400, 64, True),
    (6400, 7200, 64, False),
    (7200, 8000, 128, True),
    (8000, 8800, 128, False),
    (8800, 9600, 256, True),
    (9600, 10400, 256, False),
    (10400, 11200, 512, True),
    (11200, 12000, 512, False),
    (12000, 12800, 1024, True),
    (12800, 19000, 1024, False),
]
PGGAN_2 = [(round(a * 0.75), round(b * 0.75), r, fading) for a, b, r, fading in PGGAN_1[:-1]] + [
    (9600, 12000, 1024, False)
]
STYLEGAN = [(a - 1200, b - 1200, r, fading) for a, b, r, fading in PGGAN_2[2:-1]] + [(8400, 25000, 1024, False)]

TABLES = {
    "pggan, first release": (PGGAN_1, 4, 800),
    "pggan, second release": (PGGAN_2, 4, 600),
    "stylegan": (STYLEGAN, 8, 600),
}


def growth(start: int, stable: float, fade: float, resolution: int = 1024, **options: object) -> Growth:
    cfg = GrowthConfig(start=start, stable_kimg=stable, fade_kimg=fade, **options)
    return Growth(TrainingConfig(growth=cfg, batch=32), resolution)


@pytest.mark.parametrize("name", TABLES)
def test_published_tables_of_phases(name: str) -> None:
    phases, start, kimg = TABLES[name]
    assert phases[0][:3] == (0, kimg, start)
    grown = growth(start, kimg, kimg)
    for first, last, resolution, fading in phases:
        for part in (0.001, 0.25, 0.5, 0.75):
            stage = grown.stage(first + part * (last - first))
            alpha = part if fading else 1
            assert (stage.resolution, stage.alpha) == (resolution, pytest.approx(alpha)), (first, part)
        assert grown.stage(last) == Stage(resolution)


@pytest.mark.parametrize(("start", "stable", "fade"), [(4, 800, 800), (8, 600, 600), (4, 0.05, 0.013), (8, 0, 0.2)])
def test_formula_of_the_level_of_detail(start: int, stable: float, fade: float) -> None:
    """lod as published, in exact arithmetic, at the ends of phases and between them."""
    grown = growth(start, stable, fade, 64)
    length = Fraction(str(stable)) + Fraction(str(fade))
    for image in range(0, int(5 * length * 1000), max(int(length * 1000) // 24, 1)):
        phase, within = divmod(Fraction(image, 1000), length)
        ramp = max(within - Fraction(str(stable)), Fraction(0)) / Fraction(str(fade))
        lod = max(Fraction(6 - int(math.log2(start))) - phase - ramp, Fraction(0))
        stage = grown.stage(image / 1000)
        missing = lod - math.floor(lod)
        assert stage.resolution == 64 >> math.floor(lod), image
        assert stage.alpha == pytest.approx(float(1 - missing)), image


def test_without_a_fade_a_resolution_comes_at_once() -> None:
    grown = growth(4, 600, 0, 16)
    assert [grown.stage(kimg) for kimg in (599.999, 600, 1199.999, 1200)] == [Stage(4), Stage(8), Stage(8), Stage(16)]


def test_no_phase_is_moved_by_rounding() -> None:
    """Phases of 32 images, entered step by step: 0.096 / 0.032 is less than 3 in floating point."""
    grown = growth(4, 0.016, 0.016, 1024)
    assert [grown.stage(n / 1000).resolution for n in range(16, 272, 32)] == [4, 8, 16, 32, 64, 128, 256, 512]
    assert [grown.stage(n / 1000).alpha for n in range(32, 256, 32)] == [1.0] * 7


def test_batch_and_rate_follow_the_resolution() -> None:
    """From the moment a resolution begins to fade in, as in the published code."""
    grown = growth(8, 600, 600, batch={8: 256, 16: 128, 1024: 16}, lr={128: 0.0015, 1024: 0.003})
    kimg = (0, 600, 600.001, 1200, 1800.001, 5400.001, 8400, 25000)
    assert [grown.stage(k).resolution for k in kimg] == [8, 8, 16, 16, 32, 256, 1024, 1024]
    assert [grown.batch(k) for k in kimg] == [256, 256, 128, 128, 32, 32, 16, 16]
    assert [grown.lr(k) for k in (0, 4800, 5400.001, 25000)] == [None, 0.0015, None, 0.003]


def test_optimizers_are_reset_where_a_fade_begins_or_ends() -> None:
    """Where floor or ceiling of the level of detail changes."""
    grown = growth(4, 1, 1, 16)
    stages = [grown.stage(k / 8) for k in range(48)]
    resets = [k / 8 for k in range(1, 48) if grown.resets_optimizers(stages[k - 1], stages[k])]
    assert resets == [1.125, 2.0, 3.125, 4.0]
    kept = growth(4, 1, 1, 16, reset_optimizer=False)
    assert not any(kept.resets_optimizers(a, b) for a, b in pairwise(stages))


def test_nothing_grows_by_default() -> None:
    flat = Growth(TrainingConfig(batch=7), 32)
    assert (flat.stage(3), flat.batch(3), flat.lr(3), flat.resets_optimizers(None, None)) == (None, 7, None, False)
