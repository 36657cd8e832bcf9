"""Weights follow their gradients, by the rate that the engine sets, with all state where checkpoints find it."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from gancore.testing.finding import Finding, equal, holds
from gancore.testing.subject import Subject


def weights_follow_their_gradients(subject: Subject) -> Iterator[Finding]:
    """Ten steps down a parabola, and one at rate 0."""
    made = subject.made()
    p, optimizer = _parabola(made)
    before = float(p.detach().square().sum())
    for _ in range(10):
        _step(made, optimizer, [p], 0.01)
    after = float(p.detach().square().sum())
    got = f"{after:.3g} after ten steps"
    yield holds(after < before, "step", f"a sum of squares below {before:.3g}", got, "gradients point to larger losses")
    kept = p.detach().clone()
    _step(made, optimizer, [p], 0.0)
    moved = float((p.detach() - kept).abs().max())
    yield holds(moved == 0, "settings", "no change at lr 0", f"{moved:.3g}", "schedules of the rate would be ignored")


def a_larger_rate_is_a_larger_step(subject: Subject) -> Iterator[Finding]:
    """The rate of `settings`, and the factor of a group."""
    steps = []
    for lr, factor in ((0.01, 1.0), (0.02, 1.0), (0.01, 2.0)):
        made = subject.made()
        p, optimizer = _parabola(made, factor)
        before = p.detach().clone()
        _step(made, optimizer, [p], lr)
        steps.append(float((p.detach() - before).norm()))
    small, large, grouped = steps
    why = "schedules and groups would be ignored"
    for about, size in (("twice the rate", large), ("a group of factor 2", grouped)):
        sound = 1.5 * small < size < 2.5 * small
        got = f"{size:.3g} in place of {small:.3g}"
        yield holds(sound, f"step with {about}", "about twice the step", got, why)


def settings_have_the_rate(subject: Subject) -> Iterator[Finding]:
    """At two times, and for the correction of lazy regularization: never a larger rate than without it."""
    made = subject.made()
    for kimg in (0.0, 1000.0):
        whole, lazy = made.settings(kimg, 0.5, 1.0), made.settings(kimg, 0.5, 0.8)
        got = repr(dict(whole))
        yield holds("lr" in whole, "settings", "lr among them", got, "the engine multiplies it by a group's factor")
        if "lr" in whole:
            yield holds(float(whole["lr"]) == 0.5, "settings", "lr 0.5 where it is given", got, "schedules set it")
            yield holds(0.4 <= float(lazy["lr"]) <= 0.5, "settings with c 0.8", "lr 0.4 or 0.5", repr(dict(lazy)))


def what_has_no_gradient_stays(subject: Subject) -> Iterator[Finding]:
    """A parameter without a gradient, beside one with; then both have gradients of zero."""
    made = subject.made()
    p, q = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    optimizer = made.build([{"params": [p, q], "lr_factor": 1.0}])
    _step(made, optimizer, [p], 0.01)
    why = "blocks that are not grown yet would move"
    yield equal("step", q, torch.ones(3), "no change of what has no gradient", why)
    for x in (p, q):
        x.grad = torch.zeros(3)
    _apply(made, optimizer, 0.01)
    sound = all(bool(x.isfinite().all()) for x in (p, q))
    yield holds(sound, "step", "finite weights after gradients of zero", "others", "a dead unit would end a run")


def its_state_is_kept_in_tensors(subject: Subject) -> Iterator[Finding]:
    """An optimizer that goes on from `state` alone moves as one that never stopped."""
    made, again = subject.made(), subject.made()
    p, optimizer = _parabola(made)
    for _ in range(3):
        _step(made, optimizer, [p], 0.01)
    q, resumed = _parabola(again)
    with torch.no_grad():
        q.copy_(p)
    lost = [f"{key} ({type(v).__name__})" for key, v in optimizer.state[p].items() if not isinstance(v, Tensor)]
    why = "checkpoints hold tensors by parameter and name"
    yield holds(not lost, "state", "tensors by name", ", ".join(lost), why)
    for key, value in optimizer.state[p].items():
        resumed.state[q][key] = value.clone() if isinstance(value, Tensor) else 0
    for _ in range(3):
        _step(made, optimizer, [p], 0.01)
        _step(again, resumed, [q], 0.01)
    yield equal("step after a restart", q, p, "the step of one that never stopped", "a resumed run ends elsewhere")


def its_moments_are_counted(subject: Subject) -> Iterator[Finding]:
    made = subject.made()
    p, optimizer = _parabola(made)
    _step(made, optimizer, [p], 0.01)
    kept = sum(isinstance(v, Tensor) and v.shape == p.shape for v in optimizer.state[p].values())
    sound = kept <= subject.plugin.moments
    yield holds(sound, "moments", f"{kept} numbers a parameter", str(subject.plugin.moments), "forecasts of memory")


def it_skips_as_it_says(subject: Subject) -> Iterator[Finding]:
    """With `skips`, a step whose `found_inf` is 1 changes nothing."""
    if not subject.plugin.skips:
        return
    made = subject.made()
    p, optimizer = _parabola(made)
    kept = p.detach().clone()
    optimizer.found_inf = torch.ones(())
    _step(made, optimizer, [p], 0.01)
    why = "a number that is not finite would reach the weights"
    yield equal("step with found_inf", p, kept, "no change", why)


def it_has_a_rate(subject: Subject) -> Iterator[Finding]:
    sound = hasattr(subject.cfg, "lr")
    yield holds(sound, "options", "lr, a schedule of the rate", "none", "the engine reads it before every step")


def _parabola(made: Any, factor: float = 1.0) -> tuple[nn.Parameter, Any]:
    p = nn.Parameter(torch.linspace(1, 2, 4))
    return p, made.build([{"params": [p], "lr_factor": factor}])


def _step(made: Any, optimizer: Any, params: list[nn.Parameter], lr: float) -> None:
    for p in params:
        p.grad = 2 * p.detach()
    _apply(made, optimizer, lr)


def _apply(made: Any, optimizer: Any, lr: float) -> None:
    """As the engine does it: a group's factor on the rate."""
    settings = made.settings(0.0, lr, 1.0)
    for group in optimizer.param_groups:
        group.update({**settings, "lr": settings["lr"] * group["lr_factor"]})
    optimizer.step()
