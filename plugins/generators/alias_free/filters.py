"""Low-pass filters: a sinc, or its counterpart alike in all directions, under a Kaiser window.

Source: arXiv:2106.12423 section 3; Kaiser's design formulas for the window (Oppenheim and Schafer, Discrete-Time Signal
Processing, chapter 7).
"""

import math

import numpy as np

Taps = np.ndarray


def lowpass(taps: int, cutoff: float, half_width: float, rate: float, radial: bool = False) -> Taps | None:
    """Taps [taps], or [taps, taps] where `radial`, float64 of sum 1; None for a single tap.

    Passes frequencies to `cutoff`; the transition band reaches `half_width` to either side of it.
    """
    if taps == 1:
        return None
    window = np.kaiser(taps, kaiser_beta(taps, half_width, rate))
    places = (np.arange(taps) - (taps - 1) / 2) / rate
    kernel = _jinc(places, cutoff) * np.outer(window, window) if radial else np.sinc(2 * cutoff * places) * window
    return kernel / kernel.sum()


def kaiser_beta(taps: int, half_width: float, rate: float) -> float:
    """The window's shape for a transition band of twice `half_width`."""
    width = 2 * half_width / (rate / 2)  # relative to the Nyquist frequency
    attenuation = 2.285 * (taps - 1) * math.pi * width + 7.95  # dB
    if attenuation > 50:
        return 0.1102 * (attenuation - 8.7)
    if attenuation > 21:
        return 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    return 0.0


def _jinc(places: Taps, cutoff: float) -> Taps:
    """The ideal filter whose frequency response is a disc of radius `cutoff`; no place is 0 (taps are even)."""
    radius = np.hypot(places[:, None], places)
    return bessel_j1(2 * math.pi * cutoff * radius) / (math.pi * radius)


def bessel_j1(x: Taps) -> Taps:
    """J1 by its integral, the mean of cos(t - x sin t) over a period: the sum converges beyond double precision for
    arguments below its number of terms. (torch.special.bessel_j1 is right to 1e-8 only.)"""
    t = np.linspace(0, 2 * math.pi, 256, endpoint=False)
    return np.cos(t - x[..., None] * np.sin(t)).mean(axis=-1)
