"""Plugins that fail in the middle of a training: in every method that a contract declares and a training calls."""

import inspect
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.outcomes import Row, are_equal, row, within
from support.tiny import tiny_experiment
from torch import Tensor

from gancore.config import Experiment
from gancore.training import train
from gancore.training.trainer import Trainer


def exits(value: Any) -> Any:
    sys.exit(0)


def raises(value: Any) -> Any:
    raise ValueError("x")


COPIES: list[int] = []
"""Processes that `forks` has made."""

PATIENCE = 10.0
"""Seconds that a copy has to end."""


def hangs(value: Any) -> Any:
    """Until it is asked to stop a second time."""
    threading.Thread(target=_ask_twice, daemon=True).start()
    while True:
        time.sleep(0.01)


def _ask_twice() -> None:
    for _ in range(2):
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)


def forks(value: Any) -> Any:
    """The copy of the process goes on, too."""
    COPIES.append(os.fork())
    return value


def changed(change: Callable[[Tensor], Tensor]) -> Callable[[Any], Any]:
    """The value of a method with all its tensors changed."""

    def of(value: Any) -> Any:
        match value:
            case Tensor():
                return change(value) if value.is_floating_point() else value
            case tuple() | list():
                return type(value)(map(of, value)) if not hasattr(value, "_fields") else type(value)(*map(of, value))
            case Mapping():
                return {key: of(inner) for key, inner in value.items()}
        return replace(value, **{k: of(v) for k, v in vars(value).items()}) if _holds_tensors(value) else value

    return of


def _holds_tensors(value: Any) -> bool:
    return hasattr(value, "__dataclass_fields__") and any(isinstance(inner, Tensor) for inner in vars(value).values())


FAULTS: dict[str, Callable[[Any], Any]] = {
    "raises": raises,
    "exits": exits,
    "hangs": hangs,
    "forks": forks,
    "returns None": lambda value: None,
    "returns another shape": changed(lambda tensor: tensor.new_zeros(*tensor.shape, 3)),
    "returns NaN": changed(lambda tensor: tensor * float("nan")),
}

ONCE = {"forks"}
"""Faults that a method has in one call, and that change no value."""

BEFORE = 2
"""Steps before the fault; there is a checkpoint of each."""

EVALUATION = {"reals": 16, "samples": 16, "features": "embedded", "metrics": ["fid"]}


def with_every_kind() -> Experiment:
    """Four steps with a plugin of every kind that a training calls."""
    return tiny_experiment(
        data__resolution=8,
        data__labels=True,
        generator__mapping={"layers": 1},
        regularizers={"r1": {"gamma": 1, "interval": 1}, "path_length": {"interval": 1}, "style_mixing": {}},
        augmentation={"use": "ada", "interval": 1},
        latent="sphere",
        evaluation=EVALUATION,
        training__kimg=0.032,
        training__checkpoint_kimg=0.008,
    )


def hooks(experiment: Experiment) -> Iterator[tuple[type, str]]:
    """Plugins and those of their methods that are hooks: forward, and what they override of their contracts."""
    seen = set()
    for part in experiment.parts():
        contracts = [base for base in part.plugin.__mro__ if base.__module__.startswith("gancore.contracts.")]
        names = {name for base in contracts for name in vars(base) if not name.startswith("_")} | {"forward"}
        for name in sorted(names):
            method = inspect.getattr_static(part.plugin, name, None)
            own = inspect.isfunction(method) and not method.__module__.startswith("gancore.contracts.")
            if own and (part.plugin, name) not in seen:
                seen.add((part.plugin, name))
                yield part.plugin, name


def called_hooks(out: Path) -> list[tuple[type, str]]:
    """Those that are called after BEFORE steps of a training into `out`."""
    found: dict[tuple[type, str], None] = {}
    with pytest.MonkeyPatch.context() as patch:
        late = _counting(patch)
        for plugin, name in hooks(with_every_kind()):

            def noted(value: Any, key: tuple[type, str] = (plugin, name)) -> Any:
                found[key] = None
                return value

            patch.setattr(plugin, name, _wrapped(getattr(plugin, name), noted, late))
        train(with_every_kind(), out)
    return list(found)


def meets(plugin: type, name: str, fault: str, out: Path) -> str:
    """What becomes of a training in which a method is faulty: "ended", or "went on" to its last step."""
    own = os.getpid()
    with pytest.MonkeyPatch.context() as patch:
        late, left = _counting(patch), iter([1])
        due = late if fault not in ONCE else lambda: late() and bool(next(left, 0))
        patch.setattr(plugin, name, _wrapped(getattr(plugin, name), FAULTS[fault], due))
        outcome = "went on"
        try:
            train(with_every_kind(), out)
        except (Exception, SystemExit):  # whatever a plugin raises
            outcome = "ended"
        finally:
            if os.getpid() != own:  # a copy that nothing has ended
                os._exit(1)
    return outcome + "".join(_ended(COPIES.pop()) for _ in list(COPIES))


def _ended(copy: int) -> str:
    """Waits for a copy of this process; what it must be told if nothing ends it: the threads of a copy are gone."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if os.waitpid(copy, os.WNOHANG)[0]:
            return ""
        time.sleep(0.01)
    os.kill(copy, signal.SIGKILL)
    os.waitpid(copy, 0)
    return ", its copy hung"


def plugins(folder: Path, seconds: float) -> Iterator[Row]:
    """Each method of each plugin with each fault, in a random order, as long as there is time."""
    train(with_every_kind(), folder / "straight")
    called = called_hooks(folder / "hooks")
    until, draw = time.monotonic() + seconds, random.Random(0)
    for done, fault in enumerate(FAULTS):
        found: Counter[str] = Counter()
        for plugin, name in within((until - time.monotonic()) / (len(FAULTS) - done), draw.sample(called, len(called))):
            out = folder / "run"
            outcome = meets(plugin, name, fault, out)
            if outcome == "ended":
                train(with_every_kind(), out)
            if (outcome == "ended" or fault in ONCE) and not are_equal(folder / "straight", out):
                outcome = f"LOST ({plugin.__name__}.{name})"
            found[outcome] += 1
            shutil.rmtree(out)
        went_on = "trained on, equal bits" if fault in ONCE else "trained on with it"
        words = {"ended": "ended, and resumed with equal bits", "went on": went_on}
        words["went on, its copy hung"] = f"{went_on}, while the copy hung"
        yield row(f"a method of a plugin {fault} (of {len(called)} methods)", found, words)


def _counting(patch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Whether BEFORE steps are over."""
    step, steps = Trainer.step, [0]

    def counted(self: Trainer) -> None:
        step(self)
        steps[0] += 1

    patch.setattr(Trainer, "step", counted)
    return lambda: steps[0] >= BEFORE


def _wrapped(method: Callable[..., Any], fault: Callable[[Any], Any], late: Callable[[], bool]) -> Callable[..., Any]:
    def faulty(*args: Any, **kwargs: Any) -> Any:
        value = method(*args, **kwargs)
        return fault(value) if late() and not torch.compiler.is_compiling() else value

    faulty.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return faulty
