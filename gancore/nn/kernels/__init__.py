"""Fast paths: quicker versions of a few lines of torch, differentiable as often.

Layers and plugins call the public function of a kernel, its door. It takes the plain way if the fast one does not
apply, and always if the environment variable GANCORE_PLAIN_KERNELS is 1, to check a number against torch's operations.

    module               door                              plain way                              tests/...
    convolution          conv2d, conv_transpose2d,         torch's convolution and derivatives    nn/test_convolution.py
                         dense_conv2d
    winograd             conv2d (3x3 on a CPU)             the library's convolution              nn/test_winograd.py
    weight_gradient      derivatives of conv2d (CPU)       torch.nn.grad.conv2d_weight            nn/test_convolution.py
    resample             upfirdn2d, filter2d, upsample2d,  insert zeros, pad, convolve, decimate  nn/test_resample.py
                         downsample2d
    resampled_conv       upsampling_conv2d and             repeat pixels, then convolve;          nn/test_resample.py
                         downsampling_conv2d (box)         convolve, then average
    styled_statistic     FusedNormalization.styled         the formulas of nn/statistics.py       normalization/
    combined_statistic   the same, not on a CPU            styled_statistic, term by term         normalization/
    lrelu_clamp          lrelu_clamp                       leaky ReLU, then clamp                 nn/test_lrelu_clamp.py
    scaled               scaled_maps (half, not on a CPU)  multiply, and let torch derive         nn/test_scaled.py
    philox               normal, uniform (CUDA)            torch's integer operations             nn/test_philox.py
    (nn.normalized)      scaled_input (N = 1, GPU)         scale activations, not the weight      nn/test_one_weight.py
    (evaluation)         on_every_core (CPU)               the network once                       evaluation/

tests/nn/test_plain_kernels.py compares both ways in every network of the registry.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_plain = os.environ.get("GANCORE_PLAIN_KERNELS", "") not in ("", "0")


def plain() -> bool:
    """Whether every door takes the plain way."""
    return _plain


def traced() -> bool:
    """Whether torch.jit.trace or torch.export is recording: other programs know torch's operations only.

    Doors then call these directly, without a Function or an operator of this package.
    """
    return torch.jit.is_tracing() or torch.compiler.is_exporting()  # type: ignore[attr-defined]


@contextmanager
def plain_kernels(wanted: bool = True) -> Iterator[None]:
    """Within this context every door takes the plain way, or with False the fast one."""
    global _plain
    before, _plain = _plain, wanted
    try:
        yield
    finally:
        _plain = before
