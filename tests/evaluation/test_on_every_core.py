"""A network without gradients on several threads, each with a share of the images."""

from collections.abc import Iterator
from threading import get_ident

import pytest
import torch
from torch import Tensor

from gancore.evaluation.on_every_core import on_every_core


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_rows_come_back_in_order(n: int, threads: int) -> None:
    x = torch.randn(n, 3)
    assert torch.equal(on_every_core(lambda a: a * 2, x), x * 2)


def test_each_share_has_one_thread_of_its_own_and_the_caller_has_his_back(threads: int) -> None:
    seen: dict[int, int] = {}

    def network(x: Tensor) -> Tensor:
        seen[get_ident()] = torch.get_num_threads()
        return x

    on_every_core(network, torch.zeros(threads * 4))
    assert set(seen.values()) == {1}
    assert torch.get_num_threads() == threads


def test_nothing_is_kept_for_gradients(threads: int) -> None:
    weight = torch.ones(3, requires_grad=True)
    assert not on_every_core(lambda x: x * weight, torch.ones(5, 3)).requires_grad


def test_a_fault_reaches_the_caller(threads: int) -> None:
    def network(x: Tensor) -> Tensor:
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        on_every_core(network, torch.ones(5))
    assert torch.get_num_threads() == threads
