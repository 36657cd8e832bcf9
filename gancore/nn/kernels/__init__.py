"""Fast paths: quicker ways to what a few lines of torch compute, and differentiable as often.

Layers and plugins call the door of a kernel, which takes the plain way where the fast one does not apply, or everywhere
if the environment variable GANCORE_PLAIN_KERNELS is 1: then a number in doubt is that of torch's own operations.

    module              door                             plain way                               test (tests/nn/)
    convolution         conv2d, conv_transpose2d         torch's convolution and derivatives     test_convolution.py
    winograd            within conv2d (CPU, 3x3)         the library's convolution               test_winograd.py
    weight_gradient     within the derivatives (CPU)     torch.nn.grad.conv2d_weight             test_convolution.py
    resample            upfirdn2d and what is made of it zeros inserted, padded, convolved       test_resample.py
    resampled_conv      upsampling_conv2d,               nearest-neighbour or 2x2 average beside test_resample.py
                        downsampling_conv2d (box)        the convolution
    styled_statistic    FusedNormalization.styled        the formulas of nn/statistics.py        tests/normalization/
    (nn/normalized.py)  scaled_convolution (GPU, N = 1)  activations scaled, not the weight      test_one_weight.py
    (evaluation/)       on_every_core (CPU)              the network, once                       tests/evaluation/

tests/nn/test_plain_kernels.py compares both ways in every network of the registry.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_plain = os.environ.get("GANCORE_PLAIN_KERNELS", "") not in ("", "0")


def plain() -> bool:
    """Whether every door takes the plain way."""
    return _plain


@contextmanager
def plain_kernels(wanted: bool = True) -> Iterator[None]:
    """Within this context every door takes the plain way, or with False the fast one."""
    global _plain
    before, _plain = _plain, wanted
    try:
        yield
    finally:
        _plain = before
