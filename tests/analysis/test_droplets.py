"""A planted spike is found: its resolution, its place, and a score that no clean model reaches."""

import pytest
import torch
from support.subjects import style_generator, subject

from gancore.analysis import consistency, energy_ratio, magnitude, peak_place, peak_ratio, spot
from gancore.contracts import Result
from gancore_plugins.analyses.droplets import Droplets

UNIT, ROW, COLUMN = 3, 5, 9


def analyzed(seed: int, spike: float = 0.0, ablate: bool = False) -> Result:
    """Droplets of 4 samples; the model may have a spike in one unit of b16.conv0, which may be set to zero again."""
    generator = style_generator(seed=seed)

    def plant(module: object, inputs: object, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[:, UNIT, ROW, COLUMN] += spike
        if ablate:
            x[:, UNIT] = 0
        return x

    generator.synthesis.b16.conv0.register_forward_hook(plant)
    with torch.no_grad():
        return Droplets(Droplets.Config()).analyze(subject(generator, count=4, seed=seed))


def test_a_planted_spike_is_found_where_it_is() -> None:
    found, clean = analyzed(0, spike=500.0), analyzed(0)
    assert found.numbers["onset"].value == 16
    assert found.places["onset layer"] == "b16.conv1"  # conv0 has it in one channel only
    assert found.numbers["place_row"].value == pytest.approx((ROW + 0.5) / 16, abs=1 / 16)
    assert found.numbers["place_column"].value == pytest.approx((COLUMN + 0.5) / 16, abs=1 / 16)
    assert clean.numbers["onset"].value == 0
    assert clean.places["onset layer"] == "none"


def test_no_clean_model_reaches_its_score() -> None:
    """20 models each."""
    clean = [analyzed(seed).numbers["score"].value for seed in range(20)]
    planted = [analyzed(seed, spike=500.0).numbers["score"].value for seed in range(20)]
    assert min(planted) > 2 * max(clean)


def test_without_its_unit_it_is_gone() -> None:
    spiked, cured = analyzed(1, spike=500.0, ablate=True), analyzed(1, ablate=True)
    assert {k: v.value for k, v in spiked.numbers.items()} == {k: v.value for k, v in cured.numbers.items()}
    assert spiked.numbers["onset"].value == 0


def test_quantities_of_a_map_by_hand() -> None:
    x = torch.ones(1, 4, 40, 40)
    x[0, :2, 10, 30] = 7.0  # in two of four channels
    m, place = magnitude(x), torch.tensor([[10, 30]])
    assert peak_place(m).tolist() == [[10, 30]]
    assert peak_ratio(m).item() == pytest.approx(5.0)  # sqrt((49 + 49 + 1 + 1) / 4) over 1
    assert consistency(x, place).item() == 0.5
    inside = 13  # pixels of a disc of radius 2
    share = (inside - 1 + 25) / (1600 - 1 + 25)
    assert energy_ratio(m, place).item() == pytest.approx(share / (inside / 1600))


def test_a_spot_is_what_hangs_together() -> None:
    m = torch.zeros(1, 40, 40)
    m[0, 10, 10:13], m[0, 10, 14], m[0, 30, 30] = 1.0, 0.9, 1.0  # 14 is behind a gap
    assert spot(m, torch.tensor([[10, 10]])).nonzero().tolist() == [[0, 10, 10], [0, 10, 11], [0, 10, 12]]
