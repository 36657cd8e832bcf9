"""The contract of augmentations: changes to reals and fakes before the discriminator sees them."""

from typing import Any, ClassVar

from torch import Tensor

from gancore.contracts.part import Part
from gancore.contracts.types import Draw, Images, Interface, Network


class Augmentation(Part):
    """A differentiable, randomly drawn change of images. State (a strength) is kept in buffers."""

    trained_with: ClassVar[Network] = "discriminator"
    """The network whose optimizer updates this augmentation's own parameters, if it has any."""

    def __init__(self, cfg: Any, interface: Interface) -> None:
        super().__init__()
        self.cfg, self.interface = cfg, interface

    def forward(self, images: Images, draw: Draw, kimg: float) -> Images:
        """Augmented images of the same shapes; each sample is changed alike at every scale."""
        raise NotImplementedError

    def observe(self, real_logits: Tensor) -> None:
        """Sees D's logits [N] of real images, once a step; must not wait for the device."""
