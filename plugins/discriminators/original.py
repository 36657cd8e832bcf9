"""Original topology: the image enters once, at full size (row "original" of arXiv:1912.04958, table 2)."""

from gancore.nn import StyleDiscriminator


class Original(StyleDiscriminator):
    """Plugin `original`: the plain stack of downsampling blocks."""
