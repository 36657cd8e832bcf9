"""The device of work, and settings for CUDA, as far as they can be seen without one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
import torch
from torch import distributed

from gancore.cli import main
from gancore.config.sections.training import TrainingConfig
from gancore.device import forked_rng, pick_device
from gancore.errors import GancoreError
from gancore.training import distribution, settings
from gancore.training.device import describe_environment, training_device
from gancore.training.settings import process_settings

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine with so many GPUs, and with or without MPS."""
    gpus, mps = request.param
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


NOTHING, MAC, ONE, FOUR = (0, False), (0, True), (1, False), (4, False)


@pytest.mark.parametrize(
    ("machine", "device"), [(NOTHING, "cpu"), (MAC, "mps"), (ONE, "cuda"), (FOUR, "cuda")], indirect=["machine"]
)
@pytest.mark.usefixtures("machine")
def test_auto_takes_the_first_that_is_available(device: str) -> None:
    assert pick_device("auto") == pick_device(None) == torch.device(device)
    assert training_device(TrainingConfig()) == torch.device(device)
    assert pick_device("cpu") == CPU


@pytest.mark.parametrize(
    ("machine", "asked", "have"),
    [
        (NOTHING, "cuda", "auto, cpu"),
        (NOTHING, "mps", "auto, cpu"),
        (MAC, "cuda:0", "auto, mps, cpu"),
        (ONE, "cuda:1", "auto, cuda:0, cpu"),
        (FOUR, "cuda:4", "auto, cuda:0 to cuda:3, cpu"),
    ],
    indirect=["machine"],
)
@pytest.mark.usefixtures("machine")
def test_what_is_unavailable_is_refused_with_what_is_available(asked: str, have: str) -> None:
    with pytest.raises(GancoreError) as error:
        training_device(TrainingConfig(device=asked))
    assert str(error.value) == f"training.device: {asked} is not available here; available: {have}"
    with pytest.raises(GancoreError, match=f"^device: {asked} is not"):
        pick_device(torch.device(asked))


@pytest.mark.parametrize("machine", [FOUR], indirect=True)
@pytest.mark.usefixtures("machine")
def test_gpus_have_numbers() -> None:
    assert pick_device("cuda:3") == torch.device("cuda:3")
    assert pick_device(torch.device("cuda", 1)) == torch.device("cuda:1")


@pytest.mark.parametrize("machine", [ONE], indirect=True)
@pytest.mark.usefixtures("machine")
def test_a_worker_that_sees_one_gpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    with pytest.raises(GancoreError, match=r"available: auto, cuda:0, cpu \(CUDA_VISIBLE_DEVICES is '2'\)"):
        pick_device("cuda:2")


@pytest.mark.parametrize("machine", [FOUR], indirect=True)
@pytest.mark.usefixtures("machine")
def test_each_process_of_a_machine_has_the_gpu_of_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert training_device(TrainingConfig()) == training_device(TrainingConfig(device="cuda")) == torch.device("cuda:3")
    assert training_device(TrainingConfig(device="cuda:1")) == torch.device("cuda:1")
    assert training_device(TrainingConfig(device="cpu")) == CPU
    monkeypatch.setenv("LOCAL_RANK", "4")
    with pytest.raises(GancoreError, match=r"LOCAL_RANK 4: cuda:4 is not available here; .* cuda:0 to cuda:3"):
        training_device(TrainingConfig())


@pytest.mark.parametrize("asked", ["abacus", "cuda:x", "xla", ""])
def test_what_is_no_device_is_refused_on_one_line(asked: str) -> None:
    with pytest.raises(GancoreError, match=r"^device: .*; available: auto, .*cpu") as error:
        pick_device(asked)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("command", ["sample", "evaluate"])
def test_commands_refuse_a_device_before_they_look_for_a_model(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(tmp_path / "none"), "--device", "cuda:99"]) == 2
    assert "device: cuda:99 is not available here; available: auto, " in capsys.readouterr().err


# -- settings of the process ----------------------------------------------------------------------------------------


def flags() -> list[object]:
    backends = torch.backends
    precisions = [owner.fp32_precision for owner in (backends.cuda.matmul, backends.cudnn.conv)]
    return [backends.cudnn.benchmark, *precisions, torch.get_num_threads()]


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The GPUs that become the current one, on a machine that has none."""
    seen: list[object] = []

    @contextmanager
    def current(device: torch.device) -> Iterator[None]:
        seen.append(device)
        yield
        seen.append("left")

    monkeypatch.setattr(torch.cuda, "device", current)
    monkeypatch.setattr(settings, "forked_rng", lambda device: nullcontext())
    return seen


@pytest.mark.parametrize(("tf32", "word"), [(True, "tf32"), (False, "ieee")])
def test_cuda_settings_hold_for_the_block(entered: list[object], tf32: bool, word: str) -> None:
    before, device = flags(), torch.device("cuda:1")
    with pytest.raises(KeyError), process_settings(TrainingConfig(tf32=tf32, threads=1), device):  # noqa: PT012
        assert flags() == [True, word, word, 1]
        assert entered == [device]
        raise KeyError
    assert flags() == before
    with process_settings(TrainingConfig(tf32=tf32), device):
        pass
    assert entered == [device, device, "left"]


@pytest.mark.usefixtures("entered")
def test_deterministic_kernels_hold_for_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    cudnn, before = torch.backends.cudnn, flags()
    with pytest.raises(KeyError), process_settings(TrainingConfig(deterministic=True), CUDA):  # noqa: PT012
        assert (cudnn.benchmark, cudnn.deterministic) == (False, True)
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert not torch.utils.deterministic.fill_uninitialized_memory
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"  # the user's
        raise KeyError
    assert (flags(), cudnn.deterministic, torch.are_deterministic_algorithms_enabled()) == (before, False, False)
    assert torch.utils.deterministic.fill_uninitialized_memory
    with process_settings(TrainingConfig(), CUDA):
        assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.usefixtures("entered")
def test_a_share_of_the_memory_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *share: given.append(share))
    for share in (None, "0.5"):
        if share is not None:
            monkeypatch.setenv(settings.GPU_SHARE, share)
        with process_settings(TrainingConfig(), CUDA), process_settings(TrainingConfig(), CPU):
            pass
    assert given == [(0.5, CUDA)]


def test_null_and_other_devices_leave_it_alone(entered: list[object]) -> None:
    before = flags()
    with process_settings(TrainingConfig(), CUDA):
        assert flags() == [True, *before[1:]]
    with process_settings(TrainingConfig(tf32=True), CPU):
        assert flags() == before


def test_random_generators_are_as_before() -> None:
    before = torch.get_rng_state()
    with process_settings(TrainingConfig(), CPU):
        torch.manual_seed(5)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("device", ["cuda:2", "mps"])
def test_only_the_generator_of_the_device_is_kept(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    """With several GPUs, torch would otherwise warn and start each of them."""
    states = {torch.device(device): torch.arange(3)}
    module = torch.get_device_module(device.partition(":")[0])
    monkeypatch.setattr(module, "get_rng_state", lambda asked: states[torch.device(asked)])
    monkeypatch.setattr(module, "set_rng_state", lambda state, asked: states.__setitem__(torch.device(asked), state))
    with forked_rng(torch.device(device)):
        states[torch.device(device)] = torch.zeros(3)
    assert torch.equal(states[torch.device(device)], torch.arange(3))


def test_environment_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    about = describe_environment(torch.device("cuda"))
    assert {"cudnn_benchmark", "matmul_precision", "convolution_precision"} <= about.keys()
    assert "matmul_precision" not in describe_environment(torch.device("cpu"))


def test_the_gpu_is_current_before_nccl_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    device = torch.device("cuda:1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: done.append(("current", device)))
    monkeypatch.setattr(
        distributed, "init_process_group", lambda backend, timeout, device_id: done.append((backend, device_id))
    )
    monkeypatch.setattr(distributed, "new_group", lambda **options: done.append(options["backend"]))
    monkeypatch.setattr(distributed, "get_rank", lambda: 1)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed, "destroy_process_group", lambda: done.append("destroyed"))
    with distribution.joined(device) as processes:
        assert (processes.rank, processes.size) == (1, 2)
    assert done == [("current", device), ("nccl", device), "gloo", "destroyed"]
