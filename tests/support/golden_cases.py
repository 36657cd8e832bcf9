"""Golden cases: numbers from published implementations, found by file name.

They lie in tests/golden, or in the folder that the environment variable GANCORE_GOLDEN names (same layout). A case
is a JSON sidecar with a safetensors file of the same name; everything in a test is built from the sidecar.
"""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

OWN = Path(__file__).parents[1] / "golden"
FOLDER = Path(os.environ.get("GANCORE_GOLDEN") or OWN)


@dataclass(frozen=True)
class Case:
    """One case: `sidecar` says what was run, `tensors` are inputs and expected outputs by name."""

    path: Path

    def __str__(self) -> str:
        return self.path.stem

    @cached_property
    def sidecar(self) -> dict[str, Any]:
        return json.loads(self.path.read_text())

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        return load_file(self.path.with_suffix(".safetensors"))

    def under(self, prefix: str, dtype: torch.dtype | None = None) -> dict[str, Tensor]:
        """Tensors whose name starts with `prefix`, without it; floating ones in `dtype`."""
        found = {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}
        return {k: v.to(dtype) if dtype and v.is_floating_point() else v for k, v in found.items()}


def cases(pattern: str) -> list[Case]:
    """All cases whose file name fits. Another folder than ours may hold some kinds of cases only, but not none."""
    found = [Case(path) for path in sorted(FOLDER.glob(f"{pattern}.json"))]
    assert found or (FOLDER != OWN and any(FOLDER.glob("*.json"))), f"no golden case {pattern} in {FOLDER}"
    return found


def close(
    got: Tensor,
    want: Tensor,
    want64: Tensor | None = None,
    rtol64: float = 1e-9,
    difference: float = 0.0,
    terms: float = 0.0,
) -> None:
    """float64: relative error (to the largest value) under `rtol64`. float32: within ten times the distance of
    the expected float32 from the expected float64 numbers: `want64`, or the `difference` that the sidecar states;
    at least ten units in the last place.

    `terms` is the size of the terms whose sum `want` is: where they cancel, the sum is rounding noise, which differs
    from processor to processor, so that an error of a hundred units in their last place is allowed as well.
    """
    assert got.shape == want.shape, f"shape {tuple(got.shape)}, expected {tuple(want.shape)}"
    scale = float(want.double().abs().max()) or 1.0
    error = float((got.detach().double() - want.double()).abs().max())
    if want.dtype == torch.float64:
        assert got.dtype == torch.float64
        limit = max(rtol64 * scale, 100 * torch.finfo(torch.float64).eps * terms)
    else:
        own = difference if want64 is None else float((want.double() - want64.double()).abs().max())
        limit = 10 * max(own, torch.finfo(torch.float32).eps * scale)
    assert error <= limit, f"error {error:.3g}, allowed {limit:.3g} (largest value {scale:.3g})"
