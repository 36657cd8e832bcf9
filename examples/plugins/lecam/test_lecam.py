"""It keeps its contract: `pip install -e .`, then `pytest` here."""

from gancore_lecam.lecam import LeCam

from gancore.testing import check_plugin


def test_it_keeps_its_contract() -> None:
    late = ["every option changes something", "a penalty changes its network"]  # there is none in the first updates
    check_plugin(LeCam, without=late)
