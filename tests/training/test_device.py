"""Settings for CUDA, as far as they can be seen without one."""

from collections.abc import Iterator

import pytest
import torch

from gancore.config.training import TrainingConfig
from gancore.training.device import describe_environment, prepare_device


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    owners = (torch.backends.cuda.matmul, torch.backends.cudnn.conv)
    before = torch.backends.cudnn.benchmark, [owner.fp32_precision for owner in owners]
    yield
    torch.backends.cudnn.benchmark = before[0]
    for owner, precision in zip(owners, before[1], strict=True):
        owner.fp32_precision = precision


@pytest.mark.parametrize(("tf32", "word"), [(True, "tf32"), (False, "ieee")])
def test_tf32_is_set_on_cuda(tf32: bool, word: str) -> None:
    prepare_device(torch.device("cuda"), TrainingConfig(tf32=tf32))
    assert torch.backends.cuda.matmul.fp32_precision == torch.backends.cudnn.conv.fp32_precision == word
    assert torch.backends.cudnn.benchmark


def test_null_and_other_devices_leave_it_alone() -> None:
    before = torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision
    prepare_device(torch.device("cuda"), TrainingConfig())
    prepare_device(torch.device("cpu"), TrainingConfig(tf32=True))
    assert before == (torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision)


def test_environment_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    about = describe_environment(torch.device("cuda"))
    assert {"cudnn_benchmark", "matmul_precision", "convolution_precision"} <= about.keys()
    assert "matmul_precision" not in describe_environment(torch.device("cpu"))
