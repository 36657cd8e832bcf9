"""Fading in: while networks grow, the newest resolution gains weight from 0 to 1.

Source: arXiv:1710.10196 section 2 and figure 2: (1 - alpha) * (image of the stage before) + alpha * (new image).
"""

from collections.abc import Callable, Sequence

from torch import Tensor

from gancore.contracts import Stage


def weight_of_newest(stage: Stage | None) -> float:
    """alpha; 1 when nothing grows."""
    return 1.0 if stage is None else stage.alpha


def images_in_use(stage: Stage | None) -> int:
    """How many of the last blocks make an image: one, or two while the newest fades in."""
    return 1 if weight_of_newest(stage) == 1 else 2


def faded_image(rgbs: Sequence[Tensor], stage: Stage | None, upsample: Callable[[Tensor], Tensor]) -> Tensor:
    """(1 - alpha) * up(rgb of the block before) + alpha * rgb of the newest; at the first resolution its rgb alone."""
    if len(rgbs) == 1:
        return rgbs[-1]
    return upsample(rgbs[-2]).lerp(rgbs[-1], weight_of_newest(stage))
