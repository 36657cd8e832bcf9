"""It keeps its contract: `pip install -e .`, then `pytest` here."""

from gancore_topk.topk import TopK

from gancore.testing import check_plugin


def test_it_keeps_its_contract() -> None:
    check_plugin(TopK, without=["microbatches have the gradient of the batch"])  # the best of a part are other ones
