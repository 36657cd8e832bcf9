"""Residual topology: a 1x1 skip convolution around every block (arXiv:1912.04958 section 4.1)."""

from gancore.nn import ResidualStyleBlock, StyleGenerator, StyleSynthesis


class ResidualSynthesis(StyleSynthesis):
    """Residual blocks; the image of the last one."""

    block = ResidualStyleBlock


class Residual(StyleGenerator):
    """Plugin `residual`: residual style blocks; one image, from the last."""

    synthesis_class = ResidualSynthesis
