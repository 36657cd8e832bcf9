"""Skip topology: the image enters at every resolution, downsampled (arXiv:1912.04958 section 4.1, "input skips").

While growing, the features of the newest block fade in with the stage's weight, so that at 0 the result is that of
the stage before on the downsampled image.
"""

from collections.abc import Iterable

from torch import Tensor

from gancore.contracts import Images, Stage
from gancore.nn import StyleDiscriminator


class Skip(StyleDiscriminator):
    """Plugin `skip`: blocks with a fromRGB each."""

    provides = StyleDiscriminator.provides | {"growth"}
    fromrgb_at_every_resolution = True

    def inputs(self, images: Images, stage: Stage | None) -> Iterable[Tensor | None]:
        image = images[-1]
        while True:
            yield image
            image = self.downsample(image)
