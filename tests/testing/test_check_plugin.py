"""`gancore.testing` as the tests of a plugin author use it."""

import re

import pytest
import torch
from pydantic import Field
from torch import Tensor

from gancore.contracts import Loss, Normalization, PluginConfig, Site
from gancore.discovery import discover
from gancore.errors import PluginError
from gancore.testing import check_plugin


class Halved(Normalization):
    """A normalization without a flaw."""

    class Config(PluginConfig):
        factor: float = Field(description="what activations are multiplied by")

    def statistic(self, y: Tensor, parts: int = 1) -> Tensor:
        return y * self.cfg.factor


class Twice(Loss):
    """Sums instead of values a sample, and a gradient that is cut off."""

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real - fake).sum()

    def g(self, fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.detach()


def test_a_sound_plugin_passes() -> None:
    found = check_plugin(Halved, factor=0.5)
    assert all(finding.passed and finding.check for finding in found)
    assert "statistic: shape [4, 8, 16, 16]" in map(str, found)


def test_all_that_is_wrong_is_listed() -> None:
    with pytest.raises(AssertionError) as error:
        check_plugin(Twice)
    title, *flaws = str(error.value).splitlines()
    assert title.startswith("loss 'twice' of ")
    assert {"d", "gradient of g, by fake"} <= {flaw.split(":")[0].strip() for flaw in flaws}
    assert "expected shape [4], got []; the next layer" in flaws[0]
    assert re.search(r"test_check_plugin\.py:\d+\)$", flaws[0])


def test_options_that_must_be_given_are_named() -> None:
    found = check_plugin(Halved)
    assert found[-1].skipped
    assert "factor: Field required" in str(found[-1])


def test_an_installed_plugin_is_checked_by_its_spec() -> None:
    assert all(finding.passed for finding in check_plugin(discover().get("latent", "truncated_normal"), limit=1.5))


def test_a_class_of_no_contract_is_refused() -> None:
    with pytest.raises(PluginError, match="derived from no base class"):
        check_plugin(torch.nn.Linear)  # type: ignore[arg-type]


def test_a_local_class_is_blamed_by_file_and_line() -> None:
    class Broken(Halved):
        class Config(PluginConfig):
            factor: float = 1.0

        def __init__(self, cfg: PluginConfig, site: Site) -> None:
            super().__init__(cfg, site)
            self.missing.weight  # type: ignore[union-attr]  # noqa: B018

    with pytest.raises(
        AssertionError, match=r"is built: expected no exception, got .* no attribute 'missing' \(.*:\d+\)"
    ):
        check_plugin(Broken)


def test_random_numbers_of_the_caller_go_on_as_they_would() -> None:
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    first = torch.rand(1)
    check_plugin(discover().get("latent", "uniform"))
    assert torch.equal(torch.cat([first, torch.rand(1)]), expected)
