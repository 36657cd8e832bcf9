"""Inception v3 as FID is defined on it, with batch norm folded into the convolutions.

Source: arXiv:1512.00567, in the shape of the TensorFlow graph of 2015-12-05: averages leave out the border's zeros, and
the last block takes a maximum where the others average. Names are those of that graph. What differs is the order of the
arithmetic only: tensors are channels_last, and rectifiers work in place.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-3
"""Of the published batch norm."""


class InceptionV3:
    """The network on a device, as far as `state` has its convolutions: `{name}.weight` [O, I, h, w], `{name}.bias` [O].

    Images are [N, 3, H, W] in [-1, 1]; 75 pixels are the least for `stem`, 299 are the standard.
    """

    def __init__(self, state: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype = torch.float32) -> None:
        self.weights = {
            name: value.to(device, dtype, memory_format=torch.channels_last)
            for name, value in state.items()
            if value.ndim == 4
        }
        self.biases = {name: value.to(device, dtype) for name, value in state.items() if value.ndim == 1}
        self.dtype = dtype

    def pooled(self, x: Tensor) -> Tensor:
        """[N, 3, 299, 299] to the means [N, 2048] of the last block, float32."""
        x = self._grid_17(self.stem(x)[-1])
        for block in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            x = self._mixed_6(block, x)  # [N, 768, 17, 17]
        x = self._mixed_7("Mixed_7b", self._grid_8(x), _mean)
        return self._mixed_7("Mixed_7c", x, _maximum).float().mean(dim=(2, 3))

    def stem(self, x: Tensor) -> list[Tensor]:
        """Outputs of Conv2d_2b (64 channels), Conv2d_4a (192), Mixed_5b (256), Mixed_5c (288) and Mixed_5d (288).

        At 75 pixels they have sides of 35, 15, 7, 7 and 7; at 299 of 147, 71, 35, 35 and 35.
        """
        x = x.to(self.dtype, memory_format=torch.channels_last)
        x = self._conv("Conv2d_1a_3x3", x, stride=2)
        x = self._conv("Conv2d_2a_3x3", x)
        conv_2b = self._conv("Conv2d_2b_3x3", x, padding=(1, 1))
        x = self._conv("Conv2d_3b_1x1", F.max_pool2d(conv_2b, 3, stride=2))
        conv_4a = self._conv("Conv2d_4a_3x3", x)
        mixed_5b = self._mixed_5("Mixed_5b", F.max_pool2d(conv_4a, 3, stride=2))
        mixed_5c = self._mixed_5("Mixed_5c", mixed_5b)
        return [conv_2b, conv_4a, mixed_5b, mixed_5c, self._mixed_5("Mixed_5d", mixed_5c)]

    def _conv(self, name: str, x: Tensor, stride: int = 1, padding: tuple[int, int] = (0, 0)) -> Tensor:
        return F.conv2d(x, self.weights[f"{name}.weight"], self.biases[f"{name}.bias"], stride, padding).relu_()

    def _branch(self, block: str, x: Tensor, *names: str) -> Tensor:
        """Convolutions one after another, each padded so that the size stays."""
        for name in names:
            height, width = self.weights[f"{block}.{name}.weight"].shape[2:]
            x = self._conv(f"{block}.{name}", x, padding=(height // 2, width // 2))
        return x

    def _mixed_5(self, block: str, x: Tensor) -> Tensor:
        branches = [
            self._branch(block, x, "branch1x1"),
            self._branch(block, x, "branch5x5_1", "branch5x5_2"),
            self._branch(block, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
            self._branch(block, _mean(x), "branch_pool"),
        ]
        return torch.cat(branches, dim=1)

    def _grid_17(self, x: Tensor) -> Tensor:
        """Mixed_6a: [N, 288, 35, 35] to [N, 768, 17, 17]."""
        three = self._branch("Mixed_6a", x, "branch3x3dbl_1", "branch3x3dbl_2")
        branches = [
            self._conv("Mixed_6a.branch3x3", x, stride=2),
            self._conv("Mixed_6a.branch3x3dbl_3", three, stride=2),
            F.max_pool2d(x, 3, stride=2),
        ]
        return torch.cat(branches, dim=1)

    def _mixed_6(self, block: str, x: Tensor) -> Tensor:
        branches = [
            self._branch(block, x, "branch1x1"),
            self._branch(block, x, *(f"branch7x7_{i}" for i in (1, 2, 3))),
            self._branch(block, x, *(f"branch7x7dbl_{i}" for i in (1, 2, 3, 4, 5))),
            self._branch(block, _mean(x), "branch_pool"),
        ]
        return torch.cat(branches, dim=1)

    def _grid_8(self, x: Tensor) -> Tensor:
        """Mixed_7a: [N, 768, 17, 17] to [N, 1280, 8, 8]."""
        three = self._branch("Mixed_7a", x, "branch3x3_1")
        seven = self._branch("Mixed_7a", x, *(f"branch7x7x3_{i}" for i in (1, 2, 3)))
        branches = [
            self._conv("Mixed_7a.branch3x3_2", three, stride=2),
            self._conv("Mixed_7a.branch7x7x3_4", seven, stride=2),
            F.max_pool2d(x, 3, stride=2),
        ]
        return torch.cat(branches, dim=1)

    def _mixed_7(self, block: str, x: Tensor, pool: Callable[[Tensor], Tensor]) -> Tensor:
        """[N, 2048, 8, 8]; two branches end in a 1x3 and a 3x1 convolution side by side."""
        three = self._branch(block, x, "branch3x3_1")
        double = self._branch(block, x, "branch3x3dbl_1", "branch3x3dbl_2")
        branches = [
            self._branch(block, x, "branch1x1"),
            *(self._branch(block, three, f"branch3x3_2{side}") for side in "ab"),
            *(self._branch(block, double, f"branch3x3dbl_3{side}") for side in "ab"),
            self._branch(block, pool(x), "branch_pool"),
        ]
        return torch.cat(branches, dim=1)


def _mean(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


def fold_batch_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """`{name}.conv.weight` and `{name}.bn.*` of the published file to `{name}.weight` and `{name}.bias`, float32."""
    folded = {}
    for key in state:
        name, found, _ = key.rpartition(".conv.weight")
        if found:
            weight = state[key].double()
            gain, shift, mean, variance = (
                state[f"{name}.bn.{part}"].double() for part in ("weight", "bias", "running_mean", "running_var")
            )
            scale = gain / (variance + EPSILON).sqrt()
            folded[f"{name}.weight"] = (weight * scale[:, None, None, None]).float()
            folded[f"{name}.bias"] = (shift - mean * scale).float()
    return folded
