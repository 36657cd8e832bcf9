"""How much of this code lies between a call of a generator and a kernel: what a reader has to step through."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.small import experiment_of, names
from torch.utils._python_dispatch import TorchDispatchMode

import gancore
import gancore_plugins
from gancore.composition import compose_generator
from gancore.contracts import Interface

OWN = tuple(str(Path(package.__path__[0]).resolve()) for package in (gancore, gancore_plugins))
KERNELS = ("gancore/nn/kernels/convolution.py", "gancore/nn/kernels/resampled_conv.py")
MOST = 6


class Frames(TorchDispatchMode):
    """For each convolution, the functions of this package that are running, the outermost first."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[str]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if "convolution" in str(func):
            frame, stack = sys._getframe(1), []
            while frame is not None:
                code = frame.f_code
                if str(Path(code.co_filename).resolve()).startswith(OWN):
                    stack.append(f"{code.co_filename}:{code.co_name}")
                frame = frame.f_back  # type: ignore[assignment]
            self.found.append(stack[::-1])
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", [name for name in names("generator") if name != "mlp"])
def test_a_kernel_is_the_sixth_function_of_a_call(name: str) -> None:
    """`Generator.forward` is the first, the kernel the sixth; torch's own frames are not counted."""
    G = compose_generator(experiment_of(name, "residual"), Interface(16, 3))
    z = torch.randn(1, G.z_dim)
    with Frames() as frames:
        G(z)
    depths = {}
    for stack in frames.found:
        doors = [i for i, function in enumerate(stack, start=1) if any(file in function for file in KERNELS)]
        if doors:  # a convolution, and not a resampling
            depths[doors[0]] = stack
    assert depths
    assert max(depths) <= MOST, depths[max(depths)]
