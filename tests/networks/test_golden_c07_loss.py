"""Golden c07: the four phases of StyleGAN2's training, with the gradients of all parameters."""

import math
from collections.abc import Callable

import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published import discriminator, generator, given, load
from torch import Tensor, nn
from torch.nn.functional import softplus

from gancore.nn.gradients import input_gradients

CASES = cases("c07_*")
PHASES = ("Gmain", "Greg", "Dmain", "Dreg")


class Phases:
    """The networks and inputs of one case in one dtype; each phase gives its values by their published names."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        kwargs = dict(case.sidecar["constructor"]["loss"]["kwargs"])
        self.gamma, self.pl_weight = kwargs.pop("r1_gamma"), kwargs.pop("pl_weight")
        self.pl_shrink, self.pl_decay = kwargs.pop("pl_batch_shrink"), kwargs.pop("pl_decay")
        assert kwargs.pop("augment_pipe", None) is None
        assert kwargs.pop("style_mixing_prob", 0) == 0
        assert not kwargs.pop("blur_init_sigma", 0)
        kwargs.pop("pl_no_weight_grad", None)
        assert not kwargs, f"unknown arguments {kwargs}"
        networks = case.sidecar["constructor"]
        self.G = load(generator(networks["G"]["kwargs"]), case, "G.", dtype)
        self.D = load(discriminator(networks["D"]["kwargs"]), case, "D.", dtype)
        self.real, self.z, self.noise, self.pl_mean = (
            case.tensors[name].to(dtype) for name in ("real_img", "z", "pl_noise", "pl_mean")
        )
        self.real_c, self.gen_c = given(case, "real_c", dtype), given(case, "gen_c", dtype)

    def fakes(self, n: int | None = None, update_emas: bool = False) -> tuple[Tensor, Tensor]:
        label = self.gen_c if self.gen_c is None else self.gen_c[:n]
        ws = self.G.mapping(self.z[:n], label, update_emas=update_emas)
        return self.G.synthesis(ws, noise_mode="const")[-1], ws

    def Gmain(self) -> dict[str, Tensor]:
        (logits,) = self.D((self.fakes()[0],), self.gen_c)
        return {"gen_logits": logits, "loss": softplus(-logits)}

    def Greg(self) -> dict[str, Tensor]:
        image, ws = self.fakes(len(self.z) // self.pl_shrink)
        (grads,) = input_gradients(image * self.noise / math.sqrt(image[0, 0].numel()), ws)
        lengths = grads.square().sum(2).mean(1).sqrt()
        mean = self.pl_mean.lerp(lengths.mean(), self.pl_decay)
        penalty = (lengths - mean).square()
        losses = {"pl_penalty": penalty, "loss": penalty * self.pl_weight}
        return {"pl_grads": grads, "pl_lengths": lengths, "pl_mean_after": mean, **losses}

    def Dmain(self) -> dict[str, Tensor]:
        fakes = self.fakes(update_emas=True)[0].detach()
        self.G.mapping.end_step(lambda values: values)
        (fake,), (real,) = self.D((fakes,), self.gen_c), self.D((self.real,), self.real_c)
        losses = {"loss_gen": softplus(fake), "loss_real": softplus(-real)}
        w_avg = self.G.mapping.w_avg.clone()
        return {"gen_logits": fake, "real_logits": real, **losses, "loss": sum(losses.values()), "w_avg_after": w_avg}

    def Dreg(self) -> dict[str, Tensor]:
        real = self.real.detach().requires_grad_()
        (logits,) = self.D((real,), self.real_c)
        (grads,) = input_gradients(logits, real)
        penalty = grads.square().sum((1, 2, 3))
        return {"real_logits": logits, "r1_grads": grads, "r1_penalty": penalty, "loss": penalty * (self.gamma / 2)}


def gradients(network: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    """Gradients by parameter name; zeros where the loss does not depend on a parameter."""
    names, parameters = zip(*network.named_parameters(), strict=True)
    grads = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
    return dict(zip(names, grads, strict=True))


def rounding(case: Case, phase: str) -> float:
    """The largest relative difference of the published float32 values of a phase from its float64 values."""
    narrow, wide = case.under(f"{phase}."), case.under(f"{phase}64.")
    return max(
        float((narrow[name].double() - want).abs().max() / want.abs().max())
        for name, want in wide.items()
        if not name.startswith("grad")
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_phase(case: Case, phase: str, dtype: torch.dtype) -> None:
    phases = Phases(case, dtype)
    run: Callable[[], dict[str, Tensor]] = getattr(phases, phase)
    values = run()
    values["loss_mean"] = values["loss"].mean()
    wide = f"{phase}{'64' if dtype == torch.float64 else ''}."
    own = rounding(case, phase)
    for name, want in case.under(wide).items():
        if not name.startswith("grad"):
            close(values[name].flatten(), want.flatten(), rtol64=1e-7, difference=own * float(want.abs().max()))

    letter = phase[0]
    grads = gradients(getattr(phases, letter), values["loss_mean"])
    relative = case.sidecar["max_diff"][phase]["grad_rel_f32_vs_f64"]
    expected = case.under(f"{wide}grad.{letter}.") or case.under(f"{phase}.grad64.{letter}.")
    assert expected
    for name, want in expected.items():
        close(grads[name], want, rtol64=1e-7, difference=relative * float(want.abs().max()))
    if dtype == torch.float32:
        assert set(expected) == set(grads)
