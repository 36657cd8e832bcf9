"""The layer table: how cutoff, sampling rate, size and channels go from the input to the image.

Source: arXiv:2106.12423 section 3.2 (flexible layer specifications). Cutoff and stopband rise geometrically over the
layers, up to the critically sampled ones at the end, whose cutoff stays at half the resolution. The sampling rate of a
layer is what its stopband needs, rounded up to a power of two.
"""

import math
from dataclasses import dataclass

from .options import AliasFreeConfig


@dataclass(frozen=True)
class Row:
    """What one layer hands to the next. Frequencies in cycles, and sampling rate in pixels, over the image's width."""

    cutoff: float
    half_width: float
    sampling_rate: int
    size: int
    channels: int


@dataclass(frozen=True)
class LayerSpec:
    """A layer reads the row before its own. Its nonlinearity is sampled `lrelu_upsampling` times as densely (m = 2)."""

    before: Row
    after: Row
    kernel_size: int
    critical: bool
    torgb: bool = False
    filter_size: int = 6
    lrelu_upsampling: int = 2

    @property
    def inner_rate(self) -> int:
        """The sampling rate at which the nonlinearity acts."""
        return max(self.before.sampling_rate, self.after.sampling_rate) * (1 if self.torgb else self.lrelu_upsampling)

    @property
    def up(self) -> int:
        return self.inner_rate // self.before.sampling_rate

    @property
    def down(self) -> int:
        return self.inner_rate // self.after.sampling_rate

    @property
    def up_taps(self) -> int:
        return self._taps(self.up)

    @property
    def down_taps(self) -> int:
        return self._taps(self.down)

    @property
    def padding(self) -> tuple[int, int]:
        """Pixels at the inner rate before and after the map (negative: cropped), for an output of the right size."""
        convolved = self.before.size + self.kernel_size - 1
        wanted = (self.after.size - 1) * self.down + 1
        total = wanted - convolved * self.up + self.up_taps + self.down_taps - 2
        before = (total + self.up) // 2
        return before, total - before

    def _taps(self, factor: int) -> int:
        return 1 if factor == 1 or self.torgb else self.filter_size * factor


def layer_rows(resolution: int, image_channels: int, cfg: AliasFreeConfig) -> list[Row]:
    """One row a layer and the last for toRGB."""
    rows = [_row(i, resolution, cfg) for i in range(cfg.layers)]
    image = _row(cfg.layers, resolution, cfg)
    rows.append(Row(image.cutoff, image.half_width, image.sampling_rate, resolution, image_channels))
    return rows


def layer_specs(rows: list[Row], cfg: AliasFreeConfig) -> list[LayerSpec]:
    """The layers of these rows; the first reads the row that it writes."""
    last = len(rows) - 1
    return [
        LayerSpec(
            before=rows[max(i - 1, 0)],
            after=row,
            kernel_size=1 if i == last else cfg.kernel_size,
            critical=i >= cfg.layers - cfg.critical_layers,
            torgb=i == last,
            filter_size=cfg.filter_size,
            lrelu_upsampling=cfg.lrelu_upsampling,
        )
        for i, row in enumerate(rows)
    ]


def _row(i: int, resolution: int, cfg: AliasFreeConfig) -> Row:
    progress = min(i / (cfg.layers - cfg.critical_layers), 1.0)
    last_cutoff = resolution / 2
    last_stopband = last_cutoff * cfg.last_stopband_rel
    cutoff = cfg.first_cutoff * (last_cutoff / cfg.first_cutoff) ** progress
    stopband = cfg.first_stopband * (last_stopband / cfg.first_stopband) ** progress
    rate = 2 ** math.ceil(math.log2(min(2 * stopband, resolution)))
    size = rate + 2 * cfg.margin if i < cfg.layers - 1 else resolution
    channels = round(min(cfg.channels.base / 2 / cutoff, cfg.channels.max))
    return Row(cutoff, max(stopband, rate / 2) - cutoff, rate, size, max(channels, 1))
