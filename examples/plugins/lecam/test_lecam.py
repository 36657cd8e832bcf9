"""It keeps its contract: `pip install -e .`, then `pytest` here."""

from gancore_lecam.lecam import LeCam

from gancore.testing import check_plugin


def test_it_keeps_its_contract() -> None:
    check_plugin(LeCam)
