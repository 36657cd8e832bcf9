"""Residual topology: a 1x1 skip convolution around every block (arXiv:1912.04958 section 4.1)."""

from gancore.nn import ResidualDiscriminatorBlock, StyleDiscriminator


class Residual(StyleDiscriminator):
    """Plugin `residual`: residual blocks; the image enters once, at full size."""

    block = ResidualDiscriminatorBlock
