"""CUDA's own dispatch and autocast, on a device that does nothing: support/on_standin.py, for which C is compiled."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import on_meta

SUPPORT = Path(on_meta.__file__).parent
COMPILER = shutil.which("cc") or shutil.which("gcc")


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a process whose CUDA is the stand-in."""
    triton = pytest.importorskip("triton", reason="it has the headers of CUDA")
    if COMPILER is None:
        pytest.skip("there is no C compiler")
    headers, folder = Path(triton.__file__).parent / "backends/nvidia/include", tmp_path_factory.mktemp("standin")
    for source, library in (("runtime.c", "runtime.so"), ("driver.c", "libcuda.so.1")):
        options = ["-shared", "-fPIC", f"-I{headers}", str(SUPPORT / "standin" / source), "-o", str(folder / library)]
        subprocess.run([COMPILER, *options], check=True)
    modules = os.pathsep.join(map(str, (SUPPORT.parent, SUPPORT.parents[1])))
    return {
        **os.environ,
        "PYTHONPATH": modules,
        "LD_PRELOAD": str(folder / "runtime.so"),
        "LD_LIBRARY_PATH": str(folder),
    }


CASES = [
    ["optimizers"],
    *(
        ["phases", f"training.precision={precision}", f"generator.normalization={normalization}"]
        for precision in ("fp32", "bf16", "fp16")
        for normalization in ("demod", "adain", "pin")
    ),
    ["phases", "training.precision=fp16", "generator.use=residual", "generator.conv_clamp=256"],
    ["phases", "training.precision=bf16", "augmentation.use=ada"],
    ["phases", "training.precision=bf16", "training.recompute=8", "training.microbatch=4"],
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case))
def test_what_cuda_refuses_on_the_host(case: list[str], device: dict[str, str]) -> None:
    command = [sys.executable, str(SUPPORT / "on_standin.py"), *case]
    for _ in range(3):  # the stand-in itself crashes now and then
        done = subprocess.run(command, env=device, capture_output=True, text=True, check=False)
        if done.returncode >= 0:
            break
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.endswith("ok\n")
