"""Plugins that fail in the middle of a training: it ends, and nothing that was saved is lost."""

from pathlib import Path

import pytest
from support.faulty import FAULTS, ONCE, called_hooks, hooks, meets, with_every_kind
from support.outcomes import are_equal

from gancore.training import train

QUICK = {
    "raises": ("NonSaturating", "g"),
    "exits": ("Demod", "in_scale"),
    "hangs": ("ADA", "forward"),
    "forks": ("R1", "penalty"),
    "returns None": ("Residual", "forward"),
    "returns another shape": ("ADA", "forward"),
    "returns NaN": ("R1", "penalty"),
}


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(with_every_kind(), tmp_path_factory.mktemp("straight") / "run").path


def hook(plugin: str, method: str) -> tuple[type, str]:
    return next((found, name) for found, name in hooks(with_every_kind()) if (found.__name__, name) == (plugin, method))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_method_ends_the_run_and_loses_nothing(fault: str, straight: Path, tmp_path: Path) -> None:
    outcome = "went on" if fault in ONCE else "ended"
    assert meets(*hook(*QUICK[fault]), fault, tmp_path / "run") == outcome
    train(with_every_kind(), tmp_path / "run")
    assert are_equal(straight, tmp_path / "run")


@pytest.mark.slow
def test_every_faulty_method(straight: Path, tmp_path: Path) -> None:
    found = called_hooks(tmp_path / "hooks")
    assert len(found) > 15
    for number, (plugin, name) in enumerate(found):
        for fault in FAULTS:
            out = tmp_path / f"{number} {fault}"
            if meets(plugin, name, fault, out) == "ended" or fault in ONCE:
                train(with_every_kind(), out)
                assert are_equal(straight, out), (plugin, name, fault)
