"""No normalization. In a styled layer the block's own style still acts: y * y_s + y_b."""

from gancore.contracts import Normalization


class NoNormalization(Normalization):
    """Plugin `none`: leaves activations as they are."""
