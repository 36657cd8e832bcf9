"""Golden s09: whole trainings in lockstep with the published code of StyleGAN2-ADA, in float64.

Networks, reals, labels, latents, mixing cuts and noise are those of the file; everything else is the trainer's own:
phases, losses, penalties, optimizers, averages. Each state after a step, each loss and each gradient norm agrees to
rounding.

One rule differs, on purpose: w_avg moves once a step here, towards the mean w of the discriminator's fakes; there, in
every phase that generates. The test applies both rules to the ws of this training: ours must give our w_avg, theirs
must give the published one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published import discriminator, generator
from torch import Tensor, nn

from gancore.composition import GAN
from gancore.config.sections.training import TrainingConfig
from gancore.contracts import Interface, Optimizer, Regularizer
from gancore.contracts.types import Network
from gancore.training import trainer as training
from gancore.training.step.draws import SeededDraw
from gancore.training.step.phase_step import RealIndices
from gancore.training.step.phases import Phase
from gancore.training.trainer import Trainer
from gancore_plugins.losses.non_saturating import NonSaturating
from gancore_plugins.optimizers.adam import Adam
from gancore_plugins.regularizers.path_length import PathLength
from gancore_plugins.regularizers.style_mixing import StyleMixing
from gancore_plugins.regularizers.zero_centered import R1

PHASES = {
    "generator/main": "Gmain",
    "generator/path_length": "Greg",
    "discriminator/main": "Dmain",
    "discriminator/r1": "Dreg",
}
RTOL = 1e-10
W_AVG_BETA = 0.995  # the default there
CASES = [case for case in cases("s09_training_*") if "_after_" not in str(case)]


@dataclass
class Given:
    """Rows of a case for the phase that runs: each phase has one for each time it runs."""

    case: Case

    def __call__(self, phase: str, step: int, name: str) -> Tensor:
        key = PHASES[phase]
        row = self.case.tensors[f"{key}.step"].tolist().index(step + 1)
        return self.case.tensors[f"{key}.{name}"][row]


def recorded(given: Given, noise: dict[str, Tensor], num_ws: int, label_dim: int) -> type[SeededDraw]:
    """A draw that gives the numbers of the file; key: (seed, attempt, step, phase, scopes...)."""

    class Recorded(SeededDraw):
        def _row(self, name: str) -> Tensor:
            step, phase = self.key[2:4]
            return given(str(phase), int(step), name)

        def normal(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
            if purpose == "z":
                values = self._row("z_mix" if self.key[-1] == "again" else "z")
            elif purpose == "path_length":
                values = self._row("noise")
            else:
                values = noise[purpose.removeprefix("noise.")].expand(self.n, *shape)
            assert values.shape == (self.n, *shape)
            return values.double()

        def uniform(self, purpose: str, shape: Sequence[int] = ()) -> Tensor:
            assert purpose == "label"
            return (self._row("label") + 0.5) / label_dim

        def once(self, purpose: str) -> float:
            if purpose == "style_mixing":
                return float(self._row("mix_uniform"))
            assert purpose == "style_mixing.cut"
            return (float(self._row("mix_cutoff_drawn")) - 0.5) / (num_ws - 1)

    return Recorded


class Rows:
    """Labels of classes, in float64."""

    def __init__(self, classes: Tensor, label_dim: int) -> None:
        self.rows = torch.eye(label_dim, dtype=torch.float64)[classes]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Any) -> Tensor:
        return self.rows[torch.as_tensor(indices)]


class Reals:
    """The real images of a case, one after the other."""

    def __init__(self, case: Case, interface: Interface) -> None:
        self.interface = interface
        self.images = case.tensors["real_u8"].flatten(0, 1)
        self.labels: Rows | None = None
        self.label_rows: Rows | None = None
        if interface.label_dim:
            self.labels = Rows(case.tensors["real_label"].flatten(), interface.label_dim)
            self.label_rows = Rows(torch.arange(interface.label_dim), interface.label_dim)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: np.ndarray, flip: Tensor | None, device: torch.device) -> Tensor:
        return (self.images[indices].float() / 127.5 - 1).double()

    def labels_of(self, indices: np.ndarray, device: torch.device) -> Tensor | None:
        return None if self.labels is None else self.labels[indices]


class Watched(Trainer):
    """A trainer that compares what every phase finds, and keeps the mean w of its first mapped batch."""

    given: Given

    def reals(self, critic_step: int) -> RealIndices:
        return RealIndices(np.arange(self.counters.nimg, self.counters.nimg + self.batch), None)

    def gradients(self, phase: Phase, microbatch: int | None = None) -> Tensor:
        self.means: list[Tensor] = []
        loss = super().gradients(phase, microbatch)
        want = lambda name: self.given(phase.name, self.counters.step, name)  # noqa: E731
        close(loss / phase.interval, want("loss64"), rtol64=RTOL)
        gradients = {name: p.grad for name, p in self.networks[phase.network].named_parameters()}
        close(torch.cat([g.flatten() for g in gradients.values()]).norm(), want("grad_norm64"), rtol64=RTOL)
        for name in self.given.case.sidecar["zero_gradient"][PHASES[phase.name]]:
            assert not gradients[name].any()
        return loss

    def run_phase(self, phase: Phase) -> None:
        super().run_phase(phase)
        if self.means:
            self.first_means[PHASES[phase.name]] = self.means[0]

    def watch_mapping(self) -> None:
        self.first_means: dict[str, Tensor] = {}
        hook = lambda module, given, ws: self.means.append(ws.detach()[:, 0].mean(0))  # noqa: E731
        self.gan.generator.mapping.register_forward_hook(hook)


def trainer_of(case: Case, monkeypatch: pytest.MonkeyPatch) -> Watched:
    constructor, given = case.sidecar["constructor"], case.sidecar["training"]
    loss = constructor["loss"]["kwargs"]
    kwargs = constructor["G"]["kwargs"]
    mapping = {"w_avg_beta": W_AVG_BETA, **kwargs.get("mapping_kwargs", {})}
    G = generator({**kwargs, "mapping_kwargs": mapping}).double()
    D = discriminator(constructor["D"]["kwargs"]).double()
    G.load_state_dict(case.under("G64."))
    D.load_state_dict(case.under("D64."))
    regularizers: dict[str, Regularizer] = {
        "path_length": PathLength(PathLength.Config(
            weight=loss["pl_weight"], interval=given["G_reg_interval"], shrink=loss["pl_batch_shrink"],
            decay=loss["pl_decay"],
        )).double(),
        "r1": R1(R1.Config(gamma=loss["r1_gamma"], interval=given["D_reg_interval"])),
    }  # fmt: skip
    if loss["style_mixing_prob"]:
        regularizers["style_mixing"] = StyleMixing(StyleMixing.Config(probability=loss["style_mixing_prob"]))
    config = TrainingConfig(
        batch=given["batch_size"],
        ema={"halflife_kimg": given["ema_kimg"], "rampup": given["ema_rampup"]},
    )
    adams: dict[Network, Optimizer] = {
        "generator": Adam(Adam.Config(**given["G_opt_kwargs"])),
        "discriminator": Adam(Adam.Config(**given["D_opt_kwargs"])),
    }
    gan = GAN(G, D, NonSaturating(NonSaturating.Config()), regularizers, None, adams)
    noise = {
        name.removesuffix(".noise_const"): value
        for name, value in G.synthesis.named_buffers()
        if name.endswith("noise_const")
    }
    rows = Given(case)
    monkeypatch.setattr(training, "SeededDraw", recorded(rows, noise, G.num_ws, G.interface.label_dim))
    trainer = Watched(gan, Reals(case, G.interface), config, torch.device("cpu"))
    trainer.given = rows
    trainer.watch_mapping()
    return trainer


def published_states(case: Case) -> dict[int, dict[str, Tensor]]:
    """States by the number of steps made: {5: {"G.mapping.fc0.weight": ...}}."""
    states: dict[int, dict[str, Tensor]] = {}
    for name in case.sidecar["stored_states"]:
        for key, value in Case(case.path.with_name(name).with_suffix(".json")).tensors.items():
            after, network, rest = key.split(".", 2)
            states.setdefault(int(after.removeprefix("after")), {})[f"{network.removesuffix('64')}.{rest}"] = value
    assert sorted(states) == case.sidecar["training"]["stored_after"]
    return states


def state_of(trainer: Trainer) -> Iterator[tuple[str, Tensor]]:
    modules: dict[str, nn.Module] = {"G": trainer.gan.generator, "D": trainer.gan.discriminator, "G_ema": trainer.ema}
    for network, module in modules.items():
        for name, value in module.state_dict().items():
            if not name.endswith("noise_const"):
                yield f"{network}.{name}", value


@pytest.mark.parametrize("case", CASES, ids=str)
def test_golden_training(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, states = trainer_of(case, monkeypatch), published_states(case)
    path_length = trainer.gan.regularizers["path_length"]
    w_avg = ours = theirs = case.tensors["G64.mapping.w_avg"]
    steps = case.sidecar["training"]["steps"]
    pl_means = dict(zip(case.tensors["Greg.step"].tolist(), case.tensors["Greg.pl_mean64"], strict=True))
    for step in range(1, steps + 1):
        trainer.first_means.clear()
        trainer.step()
        if step in pl_means:
            close(path_length.pl_mean, pl_means[step], rtol64=RTOL)
        means = trainer.first_means
        ours = torch.lerp(means["Dmain"], ours, W_AVG_BETA)
        for phase in ("Gmain", "Greg", "Dmain"):
            if phase in means:
                theirs = torch.lerp(means[phase], theirs, W_AVG_BETA)
        if step in states:
            found = dict(state_of(trainer))
            assert found.keys() == states[step].keys()
            for name, value in found.items():
                want = states[step][name]
                if name.endswith("mapping.w_avg"):
                    close(theirs, want, rtol64=RTOL)
                    want = ours
                close(value.view_as(want), want, rtol64=RTOL)  # noise_strength is [1] in the file
    assert not torch.equal(ours, w_avg)
    for key, network in (("G", "generator"), ("D", "discriminator")):
        state = trainer.optimizers[network].state()
        wanted = case.under(f"adam.{key}.")
        assert wanted
        for name, value in wanted.items():
            p, _, entry = name.rpartition(".")
            if entry == "step":
                assert int(state[f"{p}/step"]) == int(value)
            else:
                close(state[f"{p}/{entry.removesuffix('64')}"], value, rtol64=RTOL)
