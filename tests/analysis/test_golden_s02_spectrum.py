"""Average power spectra against the published code's (golden s02)."""

import pytest
import torch
from support.golden_cases import Case, cases

from gancore_plugins.analyses.spectrum import decibels, power, rings_of, slices


@pytest.mark.parametrize("case", cases("s02_spectrum*"), ids=str)
def test_spectrum_rings_and_cuts(case: Case) -> None:
    call, t = case.sidecar["call"], case.tensors
    found = power(t["images"], call["mean"], call["std"], call["beta"], call["interp"], batch=4)
    torch.testing.assert_close(found, t["spectrum_exact64"], rtol=1e-12, atol=0)
    torch.testing.assert_close(
        rings_of(found, call["interp"]), t["radial_mean64"], rtol=1e-6, atol=0
    )  # its window is float32
    for cut, degrees in zip(slices(found), (0, 45), strict=True):
        torch.testing.assert_close(cut, t[f"slice{degrees}_smooth0_64"], rtol=0, atol=1e-5)


def test_white_noise_has_no_decibels() -> None:
    noise = torch.randint(0, 256, (200, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    pixels = noise.double()
    rings = rings_of(power(noise, float(pixels.mean()), float(pixels.std()), beta=8, pad=4), 4)
    assert decibels(rings[1:]).abs().max() < 0.5
