"""The training step."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor, nn

from gancore.composition import GAN
from gancore.config.sections.training import TrainingConfig
from gancore.contracts import Generator, Part, Stage
from gancore.contracts.types import Network
from gancore.data import ImageData
from gancore.data.labels import examples_of
from gancore.errors import GancoreError
from gancore.nn.gradients import inner_scale
from gancore.nn.half_from import half_from
from gancore.nn.processes import mean
from gancore.nn.recompute import recompute_from
from gancore.seeds import seed_of
from gancore.training.compile.networks import CompiledNetworks, is_fading, is_first_order
from gancore.training.distribution import Processes
from gancore.training.observer import Observer
from gancore.training.step.draws import DeviceDraw, SeededDraw, data_order
from gancore.training.step.ema import averaged_copy, ema_decay, recompute_statistics, update_ema
from gancore.training.step.growth import Growth
from gancore.training.step.guard import Guard
from gancore.training.step.loading import STEPS_AHEAD, Key, Loader
from gancore.training.step.objectives import phase_losses
from gancore.training.step.optimizers import NetworkOptimizer
from gancore.training.step.phase_step import PhaseStep
from gancore.training.step.phases import Phase, phases_of
from gancore.training.step.reals import RealIndices
from gancore.training.step.scaling import LossScale
from gancore.training.step.stats import Stats


@dataclass
class Counters:
    """The position of a run. `nimg` counts images drawn from the data stream; `attempt` counts rollbacks."""

    step: int = 0
    nimg: int = 0
    attempt: int = 0

    def to_dict(self) -> dict[str, int]:
        return asdict(self)


class Trainer:
    """Networks, optimizers and counters of a run; `step()` moves all of them by one step."""

    def __init__(
        self,
        gan: GAN,
        data: ImageData,
        training: TrainingConfig,
        device: torch.device,
        processes: Processes | None = None,
    ) -> None:
        """`processes` share the batch (default: this one is alone). Raises GancoreError if they cannot, or if a
        network has no parameters to train."""
        self.gan, self.data, self.training, self.device = gan, data, training, device
        self.processes = processes or Processes()
        self.observer = Observer()
        for module in gan.modules().values():
            module.to(device).train()
        self.growth = Growth(training, gan.generator.resolution)
        self.ema: Generator = averaged_copy(gan.generator)
        self.stage = self.growth.stage(0)
        """The stage of the last step; before the first, that of the first."""
        self.networks: dict[Network, nn.Module] = {"generator": gan.generator, "discriminator": gan.discriminator}
        self.widened = 0
        if training.half_from is not None:
            wide = [half_from(training.half_from, network, device.type) for network in self.networks.values()]
            self.widened = sum(map(len, wide))
        self.recomputed = 0
        if training.recompute is not None:
            self.recomputed = sum(len(recompute_from(training.recompute, n)) for n in self.networks.values())
        self.phases = phases_of(training, gan.regularizers)
        self.optimizers = {network: self._optimizer(network) for network in self.networks}
        self.scales = {phase.name: LossScale(device) for phase in self.phases if training.precision == "fp16"}
        self.counters = Counters()
        self.compiled: CompiledNetworks | None = None
        self.loader: Loader | None = None
        """Prepares the images of the coming steps; without one they are prepared when they are needed."""
        self.guard = Guard(device)
        self.stats = Stats()

    @property
    def kimg(self) -> float:
        """Thousands of real images shown in main steps, divided by the discriminator steps of a step."""
        return self._kimg(self.counters)

    @property
    def batch(self) -> int:
        """Real images of the next step."""
        return self.growth.batch(self.kimg)

    def compile(self) -> None:
        """Compiles the networks for the phases where that is possible: other bits, the same maths."""
        self.compiled = CompiledNetworks(self.gan, self.device, self.training.cuda_graphs)

    def step(self) -> None:
        """One step: all phases that are due, then the moving averages."""
        with self.observer.step(self):
            self._grow()
            if self.loader is not None:
                self.loader.expect(self._coming())
            for phase in self.phases:
                if phase.is_due(self.counters.step):
                    with self.observer.phase(phase):
                        self.run_phase(phase)
            with self.observer.end_of_step():
                self.end_step()

    def idle_options(self) -> Iterator[str]:
        """Notes about options that change nothing in these networks."""
        if self.training.recompute is not None and not self.recomputed:
            yield f"training.recompute: {self.training.recompute} changes nothing: no such block repeats"
        if self.training.half_from is not None and not self.widened:
            yield f"training.half_from: {self.training.half_from} changes nothing: no block is below it"

    def averaged(self) -> Generator:
        """The averaged generator for sampling: at the stage of the last step, with statistics of its own weights."""
        self.ema.stage = self.stage
        self.ema.examples = examples_of(self.data.label_rows)
        self.ema.class_names = () if self.ema.examples is not None else tuple(self.data.class_names)
        recompute_statistics(self.ema, self.data.label_rows, self.batch, self.training.seed)
        return self.ema

    def first_bad_step(self) -> int | None:
        """The first step whose numbers or results are not finite (None: all are). Waits for the device."""
        found = self.guard.first_bad_step()
        if found is None and not _all_finite([self.ema, *self.gan.modules().values()]):
            found = self.counters.step - 1
        return found

    def rewind(self, step: int) -> None:
        """Sets the counters to the beginning of a step; weights stay as they are."""
        self.counters.step = self.counters.nimg = 0
        while self.counters.step < step:
            self._count()

    def gradients(self, phase: Phase, microbatch: int | None = None) -> Tensor:
        """Leaves the gradients of a phase in its network and returns its loss; nothing is updated."""
        self._train_only(phase.network)
        optimizer = self.optimizers[phase.network]
        optimizer.zero_grad()
        self.stats.begin()
        if self.compiled is not None:
            self.compiled.begin()
        total = torch.zeros((), device=self.device)
        for step, share in self._microbatches(phase, microbatch or self.training.microbatch or self.batch):
            with self.processes.shared():
                total = total + self._backward(phase, step, share)
        total = self.processes.add_up(optimizer.params, total)
        if scale := self.scales.get(phase.name):
            scale.unscale(optimizer.params)
        if phase.main:
            optimizer.note_used()
        else:
            optimizer.fill_gradients()
        return total

    def _backward(self, phase: Phase, step: PhaseStep, share: float) -> Tensor:
        """Adds the gradients of one microbatch, and returns its part of the loss."""
        scale = self.scales[phase.name].scale if self.scales else None
        with self._autocast(), inner_scale(scale), self._running(phase, step.stage):
            losses, shown = phase_losses(phase, self.gan, step)
        self.stats.add(losses | shown, share)
        if not losses:
            return torch.zeros((), device=self.device)
        loss = torch.stack(list(losses.values())).sum() * (phase.interval * share)
        (loss if scale is None else loss * scale).backward()
        return loss.detach()

    def _grow(self) -> None:
        """Sets the stage of the next step; optimizers are reset where a fade begins or ends."""
        stage = self.growth.stage(self.kimg)
        if self.growth.resets_optimizers(self.stage, stage):
            for optimizer in self.optimizers.values():
                optimizer.reset()
        self.stage = stage

    def run_phase(self, phase: Phase) -> None:
        """The gradients of a phase and the update of its network."""
        optimizer = self.optimizers[phase.network]
        with self.observer.gradients(phase):
            loss = self.gradients(phase)
        skip = self.guard.check(optimizer.params, loss, self.counters.step, self.scales.get(phase.name))
        self.stats.count(skip)
        optimizer.step(self.kimg, skip, self.growth.lr(self.kimg))
        self._after_update(phase.network)

    @torch.no_grad()
    def _after_update(self, side: Network) -> None:
        for module in (self.networks[side], *self.gan.trained_with(side).values()):
            for _, part in parts_of(module):
                part.after_update()
        for regularizer in self.gan.regularizers.values():
            if regularizer.side == side:
                regularizer.constrain(self.networks[side])

    @torch.no_grad()
    def end_step(self) -> None:
        """Ends a step: moving averages of the parts and of the generator, and the counters."""
        with self.processes.shared():
            for module in self.gan.modules().values():
                for _, part in parts_of(module):
                    part.end_step(mean)
        shown = int(self.kimg * 1000)
        update_ema(self.ema, self.gan.generator, ema_decay(self.training.ema, self.batch, shown))
        self._count()

    def _count(self) -> None:
        self.counters = self._next(self.counters)

    def _next(self, at: Counters) -> Counters:
        """The counters one step later."""
        batch = self.growth.batch(self._kimg(at))
        return replace(at, step=at.step + 1, nimg=at.nimg + batch * self.training.d_steps)

    def _kimg(self, at: Counters) -> float:
        return at.nimg / self.training.d_steps / 1000

    def _microbatches(self, phase: Phase, size: int) -> Iterator[tuple[PhaseStep, float]]:
        """This process's part of the batch in slices of `size` samples, each with its share of the whole batch."""
        batch, stage, c = self.batch, self.growth.stage(self.kimg), self.counters
        first, stop = self.processes.part(batch)
        size = min(size, stop - first)
        reals = self.reals(phase.critic_step).part(first, stop)
        if self.loader is not None:
            reals = self.loader.filled((c.attempt, c.step, phase.critic_step), reals)
        key = (self.training.seed, c.attempt, c.step, phase.name)
        drawn = DeviceDraw if self.training.draws == "device" else SeededDraw
        for start in range(first, stop, size):
            draw = drawn(key, batch, start, start + size, self.device)
            torch.manual_seed(seed_of(*key, start))  # for layers that draw by themselves (dropout)
            part = reals.part(start - first, start - first + size)
            yield PhaseStep(self.gan, self.data, part, draw, self.kimg, stage), size / batch

    def _coming(self) -> Iterator[tuple[Key, RealIndices]]:
        """This process's images of the present step and of the next ones."""
        at = self.counters
        for _ in range(1 + STEPS_AHEAD):
            first, stop = self.processes.part(self.growth.batch(self._kimg(at)))
            for critic_step in range(self.training.d_steps):
                yield (at.attempt, at.step, critic_step), self.reals(critic_step, at).part(first, stop)
            at = self._next(at)

    def reals(self, critic_step: int, at: Counters | None = None) -> RealIndices:
        """The real images of a step (the present one, or that of other counters) are the same in all its phases, but
        for repeated discriminator steps."""
        training, c = self.training, at or self.counters
        batch = self.growth.batch(self._kimg(c))
        indices = data_order(training.seed, len(self.data), c.nimg + critic_step * batch, batch)
        draw = SeededDraw.whole((training.seed, c.attempt, c.step, "reals", critic_step), batch)
        return RealIndices(indices, draw.uniform("mirror") < 0.5 if self.data.identity.mirror else None)

    def _train_only(self, side: Network) -> None:
        """Gradients for one network and the parts trained with it: those of the other are not computed."""
        for network, optimizer in self.optimizers.items():
            for p in optimizer.params:
                p.requires_grad_(network == side)

    def _optimizer(self, network: Network) -> NetworkOptimizer:
        """Raises GancoreError if there is nothing to train in the network."""
        if not any(p.requires_grad for p in self.networks[network].parameters()):
            raise GancoreError(
                f"{network}: it has no parameters that are trained; leave some out of init_from.freeze, or give the "
                "plugin parameters with requires_grad"
            )
        intervals = [r.interval for r in self.gan.regularizers.values() if r.side == network]
        return NetworkOptimizer(
            self.gan.optimizers[network], self.networks[network], intervals, self.gan.trained_with(network)
        )

    def _running(self, phase: Phase, stage: Stage | None) -> AbstractContextManager[None]:
        """Networks compiled or eager, as the phase allows."""
        if self.compiled is None or is_fading(stage) or not is_first_order(phase, self.gan.regularizers):
            return nullcontext()
        return self.compiled.running()

    def _autocast(self) -> AbstractContextManager[None]:
        dtypes = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
        precision = self.training.precision
        return torch.autocast(self.device.type, dtype=dtypes[precision]) if precision != "fp32" else nullcontext()


def _all_finite(modules: Iterable[nn.Module]) -> bool:
    """Whether every floating-point value of the modules' states is finite."""
    state = [value for module in modules for value in module.state_dict().values() if value.is_floating_point()]
    return bool(torch.isfinite(torch.stack(torch._foreach_norm(state))).all())


def parts_of(module: nn.Module) -> Iterable[tuple[str, Part]]:
    """The plugins inside a module (itself included), by their path in it."""
    return ((path, part) for path, part in module.named_modules() if isinstance(part, Part))


def scalars_of(trainer: Trainer) -> dict[str, float]:
    """The parts' values for the log ("generator/synthesis.b8.conv0.normalization/rho"), in one transfer."""
    values = {
        "/".join(filter(None, (name, path, key))): value.detach().float()
        for name, module in trainer.gan.modules().items()
        for path, part in parts_of(module)
        for key, value in part.scalars().items()
    }
    return dict(zip(values, torch.stack(list(values.values())).tolist(), strict=True)) if values else {}
