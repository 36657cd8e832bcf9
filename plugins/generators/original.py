"""Original topology: one image, from the last block (arXiv:1812.04948 without growing; row "original" of
arXiv:1912.04958, table 2)."""

from gancore.nn import StyleGenerator


class Original(StyleGenerator):
    """Plugin `original`: the plain stack of style blocks."""
