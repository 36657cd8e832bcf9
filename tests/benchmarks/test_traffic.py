"""Bytes at dispatch: closed forms of the ledger, the kernels of peers as one pass, and a step."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks import traffic
from benchmarks.iteration import INTERVALS
from benchmarks.ledger import KINDS, Ledger
from benchmarks.opaque import bias_act, upfirdn2d
from gancore.nn import upfirdn2d as ours

META = torch.device("meta")


def on_meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=META)


def test_bytes_are_those_of_distinct_elements_read_and_written() -> None:
    x, scale = on_meta(2, 3, 5, 7), on_meta(2, 3, 1, 1)
    with Ledger() as ledger:
        y = x * scale
        y.mul_(2)
        y.half()
        y.view(-1)
        y.mean((2, 3))
        x * on_meta(1).expand(2, 3, 5, 7)
        torch.ones(100)  # on the host
    whole, few = 4 * 210, 4 * 6
    assert ledger.bytes == {
        "pointwise": 2 * whole + few + 2 * whole + 2 * whole + 4,
        "copies and casts": whole + whole // 2,
        "reductions": whole + few,
    }


def test_operations_of_convolutions_and_products() -> None:
    x, weight = on_meta(2, 4, 8, 8).to(memory_format=torch.channels_last), on_meta(6, 4, 3, 3)
    with Ledger() as ledger:
        y = F.conv2d(x, weight, stride=2, padding=1)
        assert y.is_contiguous(memory_format=torch.channels_last)
        F.conv_transpose2d(y, weight, stride=2)
        F.conv2d(x, on_meta(4, 1, 3, 3), groups=4)
    assert ledger.flops == 2 * (2 * 6 * 16) * 36 * 2 + 2 * (2 * 4 * 36) * 9
    assert set(ledger.bytes) == {"convolutions", "FIR"}
    with Ledger() as ledger:
        on_meta(3, 5) @ on_meta(5, 7)
    assert (ledger.flops, dict(ledger.bytes)) == (2 * 3 * 5 * 7, {"products": 4 * (15 + 35 + 21)})


@pytest.mark.parametrize(
    ("up", "down", "padding"), [(1, 1, 0), (2, 1, [2, 1, 2, 1]), (1, 2, [1, 1, 1, 2]), ([1, 2], 3, 4)]
)
def test_kernels_of_peers_have_shapes_and_derivatives(up: object, down: object, padding: object) -> None:
    x, f = on_meta(2, 3, 9, 10).requires_grad_(), on_meta(4, 4)
    bias = on_meta(3).requires_grad_()
    options = {"up": up, "down": down, "padding": padding}
    with Ledger() as ledger:
        y = upfirdn2d(x, f, **options)
    assert y.shape == ours(torch.zeros(2, 3, 9, 10), torch.ones(4, 4), **options).shape  # type: ignore[arg-type]
    assert ledger.bytes == {"FIR": 4 * (x.numel() + y.numel())}
    z = bias_act(y, bias, act="lrelu")
    (dx,) = torch.autograd.grad(z.sum(), x, create_graph=True)
    dx.sum().backward()
    assert dx.shape == x.shape
    assert bias_act(y) is y


@pytest.fixture(scope="module")
def found() -> dict[str, traffic.Moved]:
    return {
        "textbook demod": traffic.textbook(8, 4, "demod"),
        "ours demod fp32": traffic.ours(8, 4, "demod", "fp32"),
        "ours demod fp16": traffic.ours(8, 4, "demod", "fp16"),
    }


def test_a_step_by_kind_and_phase(found: dict[str, traffic.Moved]) -> None:
    one = found["ours demod fp32"]
    assert set(one.phases) == set(INTERVALS)
    assert set(one.kinds) <= set(KINDS)
    assert one.total == pytest.approx(sum(one.kinds.values()) - one.kinds["draws"])
    assert one.flops == pytest.approx(found["textbook demod"].flops, rel=0.02)
    assert found["ours demod fp16"].kinds["convolutions"] < 0.6 * one.kinds["convolutions"]
    table = dict((row[0], row[1:]) for row in traffic.rows(found))
    assert table["ratio"][0] == "1.00"
    assert float(table["ratio"][1]) < 1


def test_a_wrong_peer_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.py").touch()
    for asked in (f"rosinality={tmp_path}", f"stylegan2-ada-pytorch={tmp_path}", "stylegan2-ada-pytorch="):
        monkeypatch.setattr("sys.argv", ["traffic", "--peer", asked])
        with pytest.raises(SystemExit) as error:
            traffic.parsed()
        assert error.value.code == 2
        assert "--peer" in capsys.readouterr().err
