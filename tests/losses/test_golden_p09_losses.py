"""Golden p09: adversarial losses from given logits and through a small discriminator."""

from typing import Any

import pytest
from support.fakes import made
from support.golden_cases import Case
from support.golden_p09 import DTYPES, LOGITS, NETWORKS, Discriminator, compare, compare_gradients

# The sidecars' names: our plugin and its options.
LOSSES: dict[str, tuple[str, dict[str, str]]] = {
    "minimax": ("saturating", {}),
    "nonsaturating": ("non_saturating", {}),
    "hinge": ("hinge", {}),
    "lsgan": ("least_squares", {}),
    "wgan": ("wasserstein", {}),
    "rpgan": ("relativistic", {}),
    "ragan": ("relativistic", {"pairing": "average"}),
    "ralsgan": ("relativistic", {"pairing": "average", "function": "least_squares"}),
    "rahinge": ("relativistic", {"pairing": "average", "function": "hinge"}),
}


def loss_named(name: str) -> Any:
    plugin, options = LOSSES[name]
    return made("loss", plugin, **options)


def of_logits() -> list[Any]:
    """(case, set of logits, loss) of every loss a sidecar names."""
    return [
        pytest.param(case, key.removesuffix(".real"), loss, id=f"{case}-{key.removesuffix('.real')}-{loss}")
        for case in LOGITS
        for key in sorted(case.tensors)
        if key.endswith(".real")
        for loss in case.sidecar["losses"]
    ]


@pytest.mark.parametrize(("case", "logits", "name"), of_logits())
@pytest.mark.parametrize("precision", DTYPES)
def test_golden_logits(case: Case, logits: str, name: str, precision: str) -> None:
    loss, dtype = loss_named(name), DTYPES[precision]
    real, fake = (case.tensors[f"{logits}.{side}"].to(dtype).requires_grad_() for side in ("real", "fake"))
    for side, value in (("d", loss.d(real, fake)), ("g", loss.g(fake, real))):
        assert value.shape == real.shape
        compare(case, f"{logits}.{name}.{side}", value, precision)
        if precision:
            compare_gradients(case, f"{logits}.{name}.{side}", value.mean(), {"_real": real, "_fake": fake})


@pytest.mark.parametrize("case", NETWORKS, ids=str)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("precision", DTYPES)
def test_golden_network(case: Case, name: str, precision: str) -> None:
    assert case.sidecar["losses"].keys() == LOSSES.keys()
    loss, dtype = loss_named(name), DTYPES[precision]
    discriminator = Discriminator(case, dtype)
    images = case.tensors["fake"].to(dtype).requires_grad_()
    (real,), (fake,) = discriminator((case.tensors["real"].to(dtype),)), discriminator((images,))
    inputs = {f".{key}": value for key, value in discriminator.state.items()} | {"_fake": images}
    for side, value in (("d", loss.d(real, fake)), ("g", loss.g(fake, real))):
        compare(case, f"{name}.{side}", value, precision)
        if precision:
            compare_gradients(case, f"{name}.{side}", value.mean(), inputs)
