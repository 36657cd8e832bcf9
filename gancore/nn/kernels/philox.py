"""Random numbers that any device computes by itself: Philox4x32-10.

A number is a function of (key, sample, position) and nothing else, so every process, microbatch and device computes the
same ones.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), section 3.3. Normals: Box and Muller, "A
note on the generation of random normal deviates" (1958), equation 1.

Words and uniform numbers are equal bit by bit on every device. Normals are computed in float64 and rounded once, so
devices differ only where their log, sine or cosine differ in the last bit.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from gancore.nn.kernels import plain

LOW = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)  # the golden ratio and the square root of 3, less 1
UNIFORM, NORMAL = 0, 1  # last word of the counter: one purpose may ask for both

CUDA = """
template <typename T> T philox(T pair, T sample, T key) {
    unsigned int c0 = pair >> 1, c1 = 0, c2 = sample, c3 = LAW, k0 = key, k1 = key >> 32;
    for (int round = 0; round < 10; ++round) {
        unsigned long long first = 0xD2511F53ull * c0, second = 0xCD9E8D57ull * c2;
        c0 = (unsigned int)(second >> 32) ^ c1 ^ k0;
        c2 = (unsigned int)(first >> 32) ^ c3 ^ k1;
        c1 = (unsigned int)second;
        c3 = (unsigned int)first;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    unsigned int a = pair & 1 ? c2 : c0, b = pair & 1 ? c3 : c1;
    union { float numbers[2]; T bits; } two;
    if (LAW) {
        double radius = sqrt(-2 * log((a + 0.5) * 0x1p-32)), angle = (b + 0.5) * 0x1p-32 * 6.283185307179586;
        two.numbers[0] = (float)(radius * cos(angle));
        two.numbers[1] = (float)(radius * sin(angle));
    } else {
        two.numbers[0] = (a >> 8) * 0x1p-24f;
        two.numbers[1] = (b >> 8) * 0x1p-24f;
    }
    return two.bits;
}
"""
"""The numbers 2 pair and 2 pair + 1 of a sample, as the bits of one int64. Torch's operations take 130 passes."""


def uniform(key: int, samples: Tensor, shape: Sequence[int] = ()) -> Tensor:
    """U[0, 1) numbers [N, *shape], float32, of the samples with these numbers.

    key: 0 to 2^63 - 1. samples: int64 [N] in [0, 2^32), on the device that computes.
    """
    return _numbers(UNIFORM, key, samples, shape)


def normal(key: int, samples: Tensor, shape: Sequence[int] = ()) -> Tensor:
    """N(0, 1) numbers [N, *shape], float32, of the samples with these numbers; none exceeds 6.77.

    key: 0 to 2^63 - 1. samples: int64 [N] in [0, 2^32), on the device that computes.
    """
    return _numbers(NORMAL, key, samples, shape)


def computing(device: torch.device) -> torch.device:
    """The device that computes the numbers for a device: itself, but the CPU for Apple GPUs, which lack float64."""
    return torch.device("cpu") if device.type == "mps" else device


def _numbers(law: int, key: int, samples: Tensor, shape: Sequence[int]) -> Tensor:
    count = math.prod(shape)
    make = _by_kernel if samples.is_cuda and not plain() else _by_torch
    return make(law, key, samples, -(-count // 4))[:, :count].reshape(len(samples), *shape)


def _by_kernel(law: int, key: int, samples: Tensor, blocks: int) -> Tensor:
    """Numbers [N, 4 * blocks] by one kernel of a GPU."""
    pairs = torch.arange(2 * blocks, device=samples.device)
    return _kernel(law)(pairs[None], samples[:, None], key=key).view(torch.float32)


@cache
def _kernel(law: int) -> Any:
    """Compiled at its first call by NVRTC, which comes with torch."""
    return torch.cuda.jiterator._create_jit_fn(CUDA.replace("LAW", str(law)), key=0)


def _by_torch(law: int, key: int, samples: Tensor, blocks: int) -> Tensor:
    """Numbers [N, 4 * blocks] by torch's operations."""
    block = torch.arange(blocks, device=samples.device)[None]
    zero, last = torch.zeros_like(block[:, :1]), torch.full_like(block[:, :1], law)
    a, b, c, d = words((block, zero, samples[:, None], last), (key & LOW, key >> 32))
    if law == NORMAL:
        return torch.stack([*box_muller(a, b), *box_muller(c, d)], -1).flatten(1)
    # 24 bits, so that the largest number stays below 1 in float32
    return (torch.stack([a, b, c, d], -1).flatten(1) >> 8).to(torch.float32).mul_(2.0**-24)


def words(counter: Sequence[Tensor], key: tuple[int, int], rounds: int = 10) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four output words of each block: int64 in [0, 2^32), of the shape to which the counters broadcast.

    counter: four words, int64 in [0, 2^32), least significant first. key: two words.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        # A product of two words may exceed int64 and wrap around; its bits, which the masks select, are right.
        first, second = c0 * MULTIPLIERS[0], c2 * MULTIPLIERS[1]
        c0 = (_high(second) ^ c1).bitwise_xor_(k0)
        c2 = (_high(first) ^ c3).bitwise_xor_(k1)
        c1, c3 = second & LOW, first & LOW
        k0, k1 = (k0 + KEY_STEPS[0]) & LOW, (k1 + KEY_STEPS[1]) & LOW
    return c0, c1, c2, c3


def _high(product: Tensor) -> Tensor:
    """The upper 32 bits of a 64-bit product."""
    return (product >> 32).bitwise_and_(LOW)


def box_muller(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Two independent N(0, 1) numbers, float32, from each pair of words."""
    radius = between_0_and_1(first).log_().mul_(-2).sqrt_()
    angle = between_0_and_1(second).mul_(2 * math.pi)
    return (radius * angle.cos()).to(torch.float32), radius.mul_(angle.sin()).to(torch.float32)


def between_0_and_1(word: Tensor) -> Tensor:
    """A word as a number in (0, 1), float64: neither end is reached."""
    return word.to(torch.float64).add_(0.5).mul_(2.0**-32)
