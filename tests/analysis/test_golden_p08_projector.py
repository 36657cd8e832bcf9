"""The projector against the published code's pieces and its run (golden p08)."""

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published import generator, load
from torch import Tensor
from torch.nn import functional as F

from gancore.analysis import ProjectionOptions, project, start_of
from gancore.analysis.projection import Start, normalize, roughness

NAMES = {
    "num_steps": "steps",
    "initial_learning_rate": "lr",
    "initial_noise_factor": "w_noise",
    "lr_rampdown_length": "ramp_down",
    "lr_rampup_length": "ramp_up",
    "noise_ramp_length": "w_noise_ramp",
}


@pytest.mark.parametrize("case", cases("p08_projector_pieces*"), ids=str)
def test_rates_and_noise_on_w(case: Case) -> None:
    for given in case.sidecar["schedules"]:
        options = ProjectionOptions(**{ours: given[theirs] for theirs, ours in NAMES.items()})
        steps = range(options.steps)
        rates = torch.tensor([options.rate(step) for step in steps], dtype=torch.float64)
        noise = torch.tensor([options.w_noise_at(step, given["w_std"]) for step in steps], dtype=torch.float64)
        close(rates, case.tensors[f"sched.{given['name']}.lr64"])
        close(noise, case.tensors[f"sched.{given['name']}.w_noise_scale64"])


@pytest.mark.parametrize("case", cases("p08_projector_pieces*"), ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_roughness_and_normalized_noise(case: Case, dtype: torch.dtype) -> None:
    digits = "64" if dtype == torch.float64 else ""
    for sizes in case.sidecar["noise_sizes"]:
        key = "x".join(map(str, sizes))
        maps = [case.tensors[f"reg.{key}.noise{i}"].to(dtype).requires_grad_(True) for i in range(len(sizes))]
        value = roughness(maps)
        close(value, case.tensors[f"reg.{key}.value{digits}"], case.tensors[f"reg.{key}.value64"])
        for i, gradient in enumerate(torch.autograd.grad(value, maps)):
            want = case.tensors[f"reg.{key}.grad{digits}_noise{i}"]
            close(gradient, want, case.tensors[f"reg.{key}.grad64_noise{i}"])
            noise = maps[i].detach().clone()
            normalize(noise)
            wanted = case.tensors[f"norm.{key}.noise{i}_{digits or 32}"]
            close(noise, wanted, case.tensors[f"norm.{key}.noise{i}_64"])


def features(images: Tensor) -> Tensor:
    """Those that the sidecar states, of images in nominal [-1, 1]."""
    return 0.5 * F.avg_pool2d((images + 1) * (255 / 2) / 255, 2).flatten(1)


@pytest.mark.parametrize("case", cases("p08_projector_run*"), ids=str)
def test_a_whole_run(case: Case) -> None:
    call, t = case.sidecar["call"], case.tensors
    network = load(generator(case.sidecar["constructor"]["kwargs"]), case, "G.", torch.float32).requires_grad_(False)
    start = start_of(network, network.mapping(t["z_samples"]), seed=0)
    noise = {name: t[f"noise_init.{name}"] for name in case.sidecar["noise_buffers"]}
    assert start.noise.keys() == noise.keys()
    start = Start(start.mean, start.deviation, noise, lambda step: t["w_noise"][step][None])
    options = ProjectionOptions(steps=call["num_steps"], noise_weight=call["regularize_noise_weight"])

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return (features(a) - features(b)).square().sum(dim=1)

    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = list(project(network, t["target"] / 127.5 - 1, distance, start, options))
    for step, wanted in enumerate(t["w_out"]):
        torch.testing.assert_close(found[step].ws[0], wanted, rtol=0, atol=1e-5 * 2**step)
    for name in noise:
        torch.testing.assert_close(found[-1].noise[name], t[f"noise_final.{name}"], rtol=0, atol=5e-3)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
