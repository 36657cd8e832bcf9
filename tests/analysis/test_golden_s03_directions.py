"""Closed-form factorization and principal components against the published codes' (golden s03)."""

import pytest
import torch
from support.golden_cases import Case, cases
from torch import Tensor

from gancore_plugins.analyses.directions import factorized, principal


def same_up_to_sign(found: Tensor, wanted: Tensor) -> None:
    """Rows of length 1."""
    cosines = (found[: len(wanted)] * wanted).sum(dim=1).abs()
    assert float(cosines.min()) > 1 - 1e-10


@pytest.mark.parametrize("case", cases("s03_sefa_*gan*"), ids=str)
def test_factorization(case: Case) -> None:
    for name in [key.removesuffix(".directions64") for key in case.tensors if key.endswith(".directions64")]:
        layers = [str(i) for i in case.tensors[f"{name}.layers"].tolist()]
        weights = [
            case.tensors[key] for i in layers for key in (f"weight.{i}", f"weight.layer{i}") if key in case.tensors
        ]
        if weights[0].ndim == 4:  # a transposed convolution of the latent: [outputs, z, 4, 4]
            weights = [weight.transpose(0, 1).flatten(1).T for weight in weights]
        directions, values = factorized(weights)
        torch.testing.assert_close(values, case.tensors[f"{name}.values64"], rtol=1e-9, atol=1e-12)
        same_up_to_sign(directions, case.tensors[f"{name}.directions64"])


@pytest.mark.parametrize("case", cases("s03_sefa_rosinality*"), ids=str)
def test_factorization_without_normalization(case: Case) -> None:
    weights = [case.tensors[f"g_ema.{name}"] for name in case.sidecar["used_entries"]]
    directions, values = factorized(weights, normalized=False)
    torch.testing.assert_close(values.sqrt(), case.tensors["singular_values64"], rtol=1e-7, atol=1e-7)
    same_up_to_sign(directions, case.tensors["eigvec64"].T)


@pytest.mark.parametrize("case", cases("s03_ganspace*"), ids=str)
def test_principal_components(case: Case) -> None:
    mean, components, stdev = principal(case.tensors["w"])
    wanted = case.tensors["pca.components64"]
    torch.testing.assert_close(mean, case.tensors["mean64"], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(stdev[: len(wanted)], case.tensors["pca.stdev64"], rtol=1e-9, atol=0)
    same_up_to_sign(components, wanted)
