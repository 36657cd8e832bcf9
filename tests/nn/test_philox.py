"""Philox: the published answers, numbers that depend on key, sample and position only, and their distribution."""

import ctypes
import math
import shutil
import subprocess
from typing import Any

import pytest
import torch
from support.golden_cases import Case, cases
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gancore.evaluation.draws import DeviceSampleDraw
from gancore.nn.kernels import philox
from gancore.training.step.draws import DeviceDraw

KEY = (0, 0, 5, "discriminator/main")
CASES = pytest.mark.parametrize("case", cases("s07_*"), ids=str)


@CASES
def test_known_answers(case: Case) -> None:
    tensors = case.tensors
    for counter, key, rounds, want in zip(
        *(tensors[f"kat.{n}"] for n in ("counter", "key", "rounds", "out")), strict=True
    ):
        got = philox.words(counter[:, None], (int(key[0]), int(key[1])), int(rounds))
        assert torch.equal(torch.cat(got), want)


@CASES
def test_streams(case: Case) -> None:
    streams = [
        name.removesuffix(".out") for name in case.tensors if name.startswith("stream") and name.endswith(".out")
    ]
    assert streams
    for stream in map(case.under, [f"{name}." for name in streams]):
        low, high = stream["key"].tolist()
        assert torch.equal(torch.stack(philox.words(stream["counter"].T, (low, high)), -1), stream["out"])


@CASES
def test_normal_numbers(case: Case) -> None:
    first, second = case.tensors["stream0.out"].reshape(-1, 2).T
    want = case.tensors["normal.box_muller.64"]
    torch.testing.assert_close(torch.stack(philox.box_muller(first, second), -1), want.float(), rtol=1e-6, atol=0)


@CASES
def test_uniform_numbers(case: Case) -> None:
    """Key 0, sample 0 and purpose 0 are the first stream's key and counters."""
    want = case.tensors["uniform.left24"]
    assert torch.equal(philox.uniform(0, torch.zeros(1, dtype=torch.int64), want.shape)[0], want)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 7, 2)], ids=str)
@pytest.mark.parametrize("law", ["normal", "uniform"])
def test_no_bit_depends_on_the_slice(law: str, shape: tuple[int, ...]) -> None:
    whole = getattr(DeviceDraw.whole(KEY, 7), law)("z", shape)
    assert whole.shape == (7, *shape)
    assert whole.dtype == torch.float32
    for size in (1, 2, 3):
        slices = [DeviceDraw(KEY, 7, i, min(i + size, 7), torch.device("cpu")) for i in range(0, 7, size)]
        assert torch.equal(torch.cat([getattr(s, law)("z", shape) for s in slices]), whole)


def test_no_bit_depends_on_the_batch_of_an_evaluation() -> None:
    cpu = torch.device("cpu")
    want = DeviceSampleDraw(3, range(9), cpu).normal("z", (5,))
    for indices in ([8, 0, 3], range(0, 9, 4), range(4, 5)):
        assert torch.equal(DeviceSampleDraw(3, indices, cpu).normal("z", (5,)), want[list(indices)])


def test_streams_differ_by_purpose_scope_key_and_law() -> None:
    draw = DeviceDraw.whole(KEY, 64)
    streams = [
        draw.normal("z", (64,)),
        draw.normal("y", (64,)),
        draw.scoped("again").normal("z", (64,)),
        DeviceDraw.whole((1, *KEY[1:]), 64).normal("z", (64,)),
        (draw.uniform("z", (64,)) - 0.5) * math.sqrt(12),
    ]
    correlation = torch.corrcoef(torch.stack([s.flatten() for s in streams]))
    assert (correlation - torch.eye(len(streams))).abs().max() < 5 / 64  # five standard deviations of 4,096 numbers


def check_distribution(count: int) -> None:
    """Moments of count x 1,000 numbers within six standard errors, and no correlation of neighbours or samples."""
    n, normal_sums, uniform_sums, products = (
        0,
        torch.zeros(4, dtype=torch.float64),
        torch.zeros(2, dtype=torch.float64),
        0,
    )
    for start in range(0, count, 1000):
        draw = DeviceDraw(KEY, count, start, min(start + 1000, count), torch.device("cpu"))
        x, u = draw.normal("z", (1000,)).double(), draw.uniform("u", (1000,)).double()
        normal_sums += torch.stack([(x**k).sum() for k in (1, 2, 3, 4)])
        uniform_sums += torch.stack([u.sum(), (u**2).sum()])
        products += torch.stack([(x * x.roll(shift, axis)).sum() for axis in (0, 1) for shift in (1, 2, 3, 4)])
        n += x.numel()
    error = 6 / math.sqrt(n)
    deviations = torch.tensor([1, 2, 15, 96]).sqrt()  # of x, x^2, x^3 and x^4
    assert ((normal_sums / n - torch.tensor([0, 1, 0, 3])).abs() < error * deviations).all()
    assert (
        (uniform_sums / n - torch.tensor([1 / 2, 1 / 3])).abs() < error * torch.tensor([1 / 12, 4 / 45]).sqrt()
    ).all()
    assert (products / n).abs().max() < error


def test_distribution() -> None:
    check_distribution(1000)


@pytest.mark.slow
def test_distribution_of_a_hundred_million() -> None:
    check_distribution(100_000)


def test_extreme_words_stay_inside_the_interval() -> None:
    words = torch.tensor([0, 1, 2**32 - 2, 2**32 - 1])
    inside = philox.between_0_and_1(words)
    assert (inside > 0).all()
    assert (inside < 1).all()
    assert torch.isfinite(torch.stack(philox.box_muller(words, words.flip(0)))).all()


def test_nothing_is_read_back_or_copied_from_the_host() -> None:
    """On a device without values: whoever reads one, or brings one from the host, fails."""

    class OnlyThere(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            tensors = [t for t in (*args, out) if isinstance(t, Tensor)]
            assert all(t.device.type == "meta" for t in tensors), func
            return out

    with OnlyThere():
        noise = DeviceDraw.whole(KEY, 32, "meta").normal("noise", (1, 1024, 1024))
    assert noise.shape == (32, 1, 1024, 1024)
    assert noise.device.type == "meta"


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """The kernel of CUDA as a program of the CPU: the same text by a C++ compiler, over all pairs of the arguments."""
    if (compiler := shutil.which("c++")) is None:
        pytest.skip("no C++ compiler")
    laws = (philox.UNIFORM, philox.NORMAL)
    source = "#include <cmath>\n#include <cstdint>\nusing namespace std;\n"
    for law in laws:
        name = f"philox{law}"
        source += philox.CUDA.replace("LAW", str(law)).replace("T philox", f"T {name}")
        source += f"""extern "C" void run{law}(int64_t key, int64_t n, int64_t* pairs, int64_t* samples, int64_t* out)
            {{ for (int64_t i = 0; i < n; ++i) out[i] = {name}(pairs[i], samples[i], key); }}"""
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "philox.cpp").write_text(source)
    library = folder / "philox.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "philox.cpp"], check=True)
    program = ctypes.CDLL(str(library))

    def kernel(law: int) -> Any:
        def run(pairs: Tensor, samples: Tensor, key: int) -> Tensor:
            pairs, samples = (x.contiguous() for x in torch.broadcast_tensors(pairs, samples))
            out = torch.empty_like(pairs)
            pointers = [ctypes.c_void_p(x.data_ptr()) for x in (pairs, samples, out)]
            getattr(program, f"run{law}")(ctypes.c_int64(key), ctypes.c_int64(out.numel()), *pointers)
            return out

        return run

    return {law: kernel(law) for law in laws}


@pytest.mark.parametrize("law", [philox.UNIFORM, philox.NORMAL], ids=["uniform", "normal"])
def test_the_kernel_has_the_numbers_of_the_plain_way(
    law: int, kernels: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(philox, "_kernel", kernels.get)
    samples = torch.tensor([0, 7, 2**32 - 1])
    for key in (0, 2**63 - 1, 0x7ABCDEF012345678):
        want, got = (made(law, key, samples, 50) for made in (philox._by_torch, philox._by_kernel))
        torch.testing.assert_close(got, want, rtol=0 if law == philox.UNIFORM else 1e-6, atol=0)


def test_the_compiler_of_cuda_takes_the_kernel() -> None:
    """NVRTC needs no GPU; the function is one of the device, as torch's jiterator declares it."""
    cuda = pytest.importorskip("torch.cuda._utils")
    start = 'extern "C" __global__ void start(long key, long* out) { *out = philox<long>(threadIdx.x, 1L, key); }'
    for law in (philox.UNIFORM, philox.NORMAL):
        source = philox.CUDA.replace("LAW", str(law)).replace("T philox", "__device__ T philox")
        try:
            compiled, _ = cuda._nvrtc_compile(source + start, "start", "90")
        except (OSError, AttributeError) as error:
            pytest.skip(f"no NVRTC: {error}")
        assert compiled
