"""Skip topology: the image enters at every resolution, downsampled (arXiv:1912.04958 section 4.1, "input skips")."""

from collections.abc import Iterable

from torch import Tensor

from gancore.contracts import Images
from gancore.nn.discriminator import StyleDiscriminator


class Skip(StyleDiscriminator):
    """Blocks with a fromRGB each."""

    fromrgb_at_every_resolution = True

    def inputs(self, images: Images) -> Iterable[Tensor | None]:
        image = images[-1]
        while True:
            yield image
            image = self.downsample(image)
