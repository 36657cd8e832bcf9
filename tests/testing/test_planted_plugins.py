"""The checks find what is wrong in plugins: faults planted into sound ones, of every kind."""

from itertools import groupby
from operator import attrgetter

import pytest

from gancore.kinds import KINDS
from gancore.testing.table import CHECKS
from scripts.plant_plugin_faults import Planted, failures, is_sound, planted

CHECK_OF = attrgetter("check")

FAULTS = list(planted())
FIRST = [next(group) for _, group in groupby(sorted(FAULTS, key=CHECK_OF), CHECK_OF)]
"""One for each check; the slow tests have the others."""

REST = [fault for fault in FAULTS if fault not in FIRST]


def test_every_kind_has_checks_and_faults() -> None:
    assert set(CHECKS) == set(KINDS)
    assert len(FAULTS) >= 130
    assert {fault.kind for fault in FAULTS} == set(KINDS)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("fault", [*FIRST, *(pytest.param(one, marks=pytest.mark.slow) for one in REST)], ids=str)
def test_a_planted_fault_is_found(fault: Planted) -> None:
    assert is_sound(fault.kind, fault.base, fault.check), "the plugin without the fault is refused"
    found = failures(fault.kind, fault.source, fault.check)
    assert found, "not found"
    assert all(finding.expected and finding.got for finding in found)
