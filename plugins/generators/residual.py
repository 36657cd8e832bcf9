"""Residual topology: every block stands beside a 1x1 skip convolution (arXiv:1912.04958 section 4.1)."""

from gancore.nn.synthesis import ResidualStyleBlock, StyleGenerator, StyleSynthesis


class ResidualSynthesis(StyleSynthesis):
    block = ResidualStyleBlock


class Residual(StyleGenerator):
    """Residual style blocks; one image, from the last."""

    synthesis_class = ResidualSynthesis
