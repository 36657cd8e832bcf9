"""The mistakes that `scripts.plant_faults` makes are still to be made: the code that they change is there."""

import pytest

from scripts.plant_faults import FAULTS, ROOT, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.file)
def test_the_code_to_change_is_there_once(fault: Fault) -> None:
    assert (ROOT / fault.file).read_text("utf-8").count(fault.right) == 1
    assert all((ROOT / "tests" / name).exists() for name in fault.tests.split())
