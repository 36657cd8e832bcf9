"""Where the time of training goes: some steps of a run, timed by phase and by module.

After a few steps to warm up, it times each phase, its gradients and its update, and the forward pass of every module;
on CUDA it waits for the device each time, so profiled steps are slower than others. The rest of a phase after its
forward passes is the backward pass and the losses; recomputed activations count as forward passes again. The run's bits
stay the same. A compiled network counts as one module: the times of its parts are unknown.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from gancore.artifacts.atomic import write_json, write_text
from gancore.artifacts.run import RunFolder
from gancore.device import wait_for
from gancore.messages import tell
from gancore.training.device import describe_environment
from gancore.training.observer import Context, Observer
from gancore.training.step.phases import Phase
from gancore.training.trainer import Trainer

WARMUP, STEPS = 5, 64
"""Steps without and with timing; 64 include regularizers of the usual intervals at least four times."""


class Profile(Observer):
    """Times the steps that it observes, a number of them after the warm-up."""

    trainer: Trainer

    def __init__(self, warmup: int = WARMUP, steps: int = STEPS) -> None:
        super().__init__()
        self.warmup, self.wanted = warmup, steps
        self.steps: list[float] = []
        self.phases: dict[str, list[float]] = defaultdict(list)
        self.gradients_of: dict[str, float] = defaultdict(float)
        self.forward: dict[str, float] = defaultdict(float)
        self.modules: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
        """Calls, seconds, and seconds of the modules inside."""
        self._seen, self._timing, self._phase, self._open = 0, False, "", list[list[float]]()
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    @contextmanager
    def run(self, folder: RunFolder) -> Iterator[None]:
        """Writes profile.json and profile.txt into the run folder when the run ends, however it ends."""
        try:
            yield
        finally:
            self._unhook()
            if not self.steps:
                tell(f"no profile: this took no more than the {self.warmup} steps that are not timed")
            else:
                found = self.to_dict()
                write_json(folder.path / "profile.json", found)
                write_text(folder.path / "profile.txt", as_text(found))
                self.others.on_profile(folder.path / "profile.json")

    @contextmanager
    def step(self, trainer: Trainer) -> Iterator[None]:
        self._seen += 1
        self._timing = self.warmup < self._seen <= self.warmup + self.wanted
        if not self._timing:
            yield
            return
        self._hook(trainer)
        with self._timed(self.steps.append):
            yield
        if self._seen == self.warmup + self.wanted:
            self._unhook()

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        self._phase = phase.name
        with self._timed(lambda seconds: self.phases[phase.name].append(seconds)):
            yield
        self._phase = ""

    @contextmanager
    def gradients(self, phase: Phase) -> Iterator[None]:
        def add(seconds: float) -> None:
            self.gradients_of[phase.name] += seconds

        with self._timed(add):
            yield

    def end_of_step(self) -> Context:
        return self._timed(lambda seconds: self.phases["end of step"].append(seconds))

    @contextmanager
    def _timed(self, note: Callable[[float], object]) -> Iterator[None]:
        """Records the seconds of the context, in timed steps."""
        if not self._timing:
            yield
            return
        start = self._now()
        yield
        note(self._now() - start)

    def _hook(self, trainer: Trainer) -> None:
        """Watches the modules of a trainer, instead of those watched before."""
        if self._hooks and trainer is self.trainer:
            return
        self._unhook()
        self.trainer = trainer
        inside = trainer.compiled.inside() if trainer.compiled else set()  # of a graph, which hooks would take apart
        for network, module in trainer.gan.modules().items():
            for path, part in module.named_modules():
                if part in inside:
                    continue
                self._hooks.append(part.register_forward_pre_hook(self._before))
                after = self._after(f"{network}.{path}".rstrip("."))
                self._hooks.append(part.register_forward_hook(after, always_call=True))  # recomputing ends by raising

    def _unhook(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def _before(self, module: nn.Module, args: Any) -> None:
        self._open.append([self._now(), 0.0])

    def _after(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            start, inside = self._open.pop()
            taken = self._now() - start
            entry = self.modules[name]
            entry[0], entry[1], entry[2] = entry[0] + 1, entry[1] + taken, entry[2] + inside
            if self._open:
                self._open[-1][1] += taken
            else:
                self.forward[self._phase] += taken

        return hook

    def _now(self) -> float:
        wait_for(self.trainer.device)
        return time.perf_counter()

    def to_dict(self) -> dict[str, Any]:
        """Milliseconds: `ms` of a call (median), the others as the mean of a step, also for phases that are rarely due.

        `backward` is the time of gradients without forward passes, `update` the rest of a phase.
        """
        count, total = max(len(self.steps), 1), sum(self.steps) or 1.0
        return {
            **describe_environment(self.trainer.device),
            "warmup": self.warmup,
            "steps": len(self.steps),
            "ms_per_step": total / count * 1000,
            "phases": [self._phase_times(name, count, total) for name in self.phases],
            "modules": [self._module_times(name, count, total) for name in sorted(self.modules, key=self._minus_own)],
        }

    def _phase_times(self, name: str, count: int, total: float) -> dict[str, Any]:
        times, forward, gradients = self.phases[name], self.forward[name], self.gradients_of[name]
        return {
            "phase": name,
            "calls": len(times),
            "ms": statistics.median(times) * 1000,
            "ms_per_step": sum(times) / count * 1000,
            "forward": forward / count * 1000,
            "backward": (gradients - forward) / count * 1000,
            "update": (sum(times) - gradients) / count * 1000,
            "share": sum(times) / total,
        }

    def _module_times(self, name: str, count: int, total: float) -> dict[str, Any]:
        calls, taken, inside = self.modules[name]
        return {
            "module": name,
            "calls": calls,
            "ms_per_step": taken / count * 1000,
            "own_ms_per_step": (taken - inside) / count * 1000,
            "share": (taken - inside) / total,
        }

    def _minus_own(self, name: str) -> float:
        """Sorts modules by their own time, the longest first."""
        _, taken, inside = self.modules[name]
        return inside - taken


def as_text(found: dict[str, Any]) -> str:
    """Two tables: phases in their order, modules by their own time in the forward pass."""
    head = f"{found['steps']} steps after {found['warmup']}: {found['ms_per_step']:.1f} ms a step; "
    lines = [head + f"{found['device']}, {found['threads']} threads, torch {found['torch']}", ""]
    lines.append(f"{'ms on one step':32} {'calls':>6} {'a call':>9} {'a step':>9} {'share':>6} "
                 f"{'forward':>9} {'backward':>9} {'update':>9}")  # fmt: skip
    for p in found["phases"]:
        lines.append(f"{p['phase']:32} {p['calls']:6} {p['ms']:9.2f} {p['ms_per_step']:9.2f} {p['share']:6.1%} "
                     f"{p['forward']:9.2f} {p['backward']:9.2f} {p['update']:9.2f}")  # fmt: skip
    width = max([56, *(len(m["module"]) for m in found["modules"])])
    lines += ["", f"{'forward pass by module':{width}} {'calls':>6} {'a step':>9} {'own':>9} {'share':>6}"]
    for m in found["modules"]:
        lines.append(f"{m['module']:{width}} {m['calls']:6} {m['ms_per_step']:9.2f} {m['own_ms_per_step']:9.2f} "
                     f"{m['share']:6.1%}")  # fmt: skip
    return "\n".join(lines) + "\n"
