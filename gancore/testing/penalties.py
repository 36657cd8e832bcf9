"""What a regularizer does to a step: its penalty, its changes to ws, its constraint."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from gancore.contracts import Regularizer
from gancore.testing.calls import normal
from gancore.testing.finding import Finding, equal, holds
from gancore.testing.outputs import shaped
from gancore.testing.second_order import doubles
from gancore.testing.step import SmallDraw, SmallStep
from gancore.testing.subject import N, Subject


def a_penalty_changes_its_network(subject: Subject) -> Iterator[Finding]:
    made, step = subject.made(), SmallStep.of(subject)
    penalty = made.penalty(step)
    if penalty is None:
        return
    if not isinstance(penalty, Tensor) or penalty.ndim > 1:
        got = f"shape {list(penalty.shape)}" if isinstance(penalty, Tensor) else f"a {type(penalty).__name__}"
        yield Finding("penalty", f"shape [{N}], a value a sample, or []", got, "the engine takes the mean of it")
        return
    yield from shaped("penalty", penalty, tuple(penalty.shape))
    reached = (
        torch.autograd.grad(penalty.sum(), list(_network(made, step).parameters()), allow_unused=True)
        if penalty.requires_grad
        else ()
    )
    found = [gradient for gradient in reached if gradient is not None]
    finite = all(bool(gradient.isfinite().all()) for gradient in found)
    moves = any(bool(gradient.any()) for gradient in found)
    got = "none" if not found else "zeros only" if finite else "gradients that are not finite"
    expected = f"finite gradients of the {made.side}"
    yield holds(finite and moves, "penalty", expected, got, "a penalty acts through them alone")


def a_penalty_has_its_own_gradient(subject: Subject) -> Iterator[Finding]:
    """In float64, against the difference of penalties: what is detached by mistake is missing in the gradient."""
    with doubles():
        step = SmallStep.of(subject)
        network = _network(subject.made(), step)
        if subject.made().penalty(step) is None:
            return
        parameters = [p for p in network.parameters() if p.requires_grad]
        directions = [torch.randn_like(p) for p in parameters]
        penalty = subject.made().penalty(step).mean()
        found = torch.autograd.grad(penalty, parameters, allow_unused=True)
        slope = sum(float((g * d).sum()) for g, d in zip(found, directions, strict=True) if g is not None)

        def moved(by: float) -> float:
            with torch.no_grad():
                for p, d in zip(parameters, directions, strict=True):
                    p.add_(d, alpha=by)
            value = float(subject.made().penalty(step).mean().detach())
            with torch.no_grad():
                for p, d in zip(parameters, directions, strict=True):
                    p.sub_(d, alpha=by)
            return value

        measured = (moved(1e-6) - moved(-1e-6)) / 2e-6
        sound = abs(slope - measured) <= 1e-3 * abs(measured) + 1e-7
        got = f"a slope of {slope:.6g} where the penalty has {measured:.6g}"
        yield holds(sound, "penalty", "the gradient of the penalty", got, "it would press elsewhere (create_graph?)")


def a_penalty_leaves_the_networks_alone(subject: Subject) -> Iterator[Finding]:
    """Weights, gradients, modes and images of the step are as they were."""
    made, step = subject.made(), SmallStep.of(subject)
    networks = nn.ModuleList([step.G, step.D])
    real = [image.clone() for image in step.real]
    state = {name: value.clone() for name, value in networks.state_dict().items()}
    marked = {name: p.requires_grad for name, p in networks.named_parameters()}
    made.penalty(step)
    changed = [name for name, value in networks.state_dict().items() if not value.equal(state[name])]
    why = "the optimizer alone changes networks"
    yield holds(not changed, "penalty", "weights as they were", f"{len(changed)} changed", why)
    filled = [name for name, p in networks.named_parameters() if p.grad is not None]
    yield holds(not filled, "penalty", "no .grad is filled", f"{len(filled)} are", "other losses add to it")
    unlike = [name for name, p in networks.named_parameters() if p.requires_grad != marked[name]]
    yield holds(not unlike, "penalty", "requires_grad as it was", f"another for {len(unlike)}", why)
    yield holds(step.G.training and step.D.training, "penalty", "networks in training mode", "evaluation mode", why)
    sound = all(a.equal(b) and not b.requires_grad for a, b in zip(real, step.real, strict=True))
    yield holds(sound, "penalty", "real images as they were", "changed or marked ones", "others see them, too")


def a_penalty_follows_the_draw(subject: Subject) -> Iterator[Finding]:
    """The same step has the same penalty, in two instances, while torch's random state moves on."""
    values = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        values.append(subject.made().penalty(SmallStep.of(subject)))
    if values[0] is not None:
        why = "a resumed run ends elsewhere than one that never stopped"
        yield equal("penalty", values[1], values[0], "the same for the same step", why, tolerance=0.0)


def a_penalty_is_a_mean(subject: Subject) -> Iterator[Finding]:
    """Of a batch in which every sample comes twice: the same, where nothing is drawn or generated."""
    if subject.plugin.side == "generator":  # samples of its own, which are drawn
        return
    once, twice = (SmallStep.of(replace(subject, n=n)) for n in (subject.n, 2 * subject.n))
    for step in (once, twice):
        step.generate = lambda shrink=1, fakes=once.fake, k=step.draw.n // subject.n: _repeated(fakes, k)  # type: ignore
        step.real = tuple(torch.cat([x] * (step.draw.n // subject.n)) for x in once.real)
        step.real_label = None if once.real_label is None else torch.cat([once.real_label] * (step.draw.n // subject.n))
    one, two = (subject.made().penalty(step) for step in (once, twice))
    if one is None:
        return
    a, b = float(one.mean().detach()), float(two.mean().detach())
    got = f"{b:.4g} for twice as many samples, {a:.4g} before"
    why = "its weight would grow with the batch"
    yield holds(0.7 * abs(a) <= abs(b) <= 1.4 * abs(a) or a == b, "penalty", "about the same", got, why)


def mixing_changes_ws_by_the_draw(subject: Subject) -> Iterator[Finding]:
    """Mixed ws are those given or drawn again, and the same for the same draw."""
    if subject.plugin.mix_ws is Regularizer.mix_ws:
        return
    made, ws, other = subject.made(), normal(subject.n, 6, 8), normal(subject.n, 6, 8) + 10
    mixed = []
    for index in range(8):
        draw = SmallDraw(subject.n).scoped(str(index))
        one, two = (made.mix_ws(ws.clone(), other.clone, draw) for _ in range(2))
        why = "a resumed run would mix others"
        yield equal("mix_ws", two, one, "the same for the same draw", why)
        mixed.append(one)
    changes = any(not one.equal(ws) for one in mixed)
    yield holds(changes, "mix_ws", "other ws in some of 8 draws", "the same ws", "it would do nothing")


def a_constraint_can_be_applied(subject: Subject) -> Iterator[Finding]:
    """Twice is as once; weights stay finite."""
    made, step = subject.made(), SmallStep.of(subject)
    network = _network(made, step)
    yield Finding("constrain", f"acts on the {made.side}, interval {made.interval}")
    if subject.plugin.constrain is Regularizer.constrain:
        return
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        made.constrain(network)
        once = {name: value.clone() for name, value in network.state_dict().items()}
        made.constrain(network)
    moved = any(not value.equal(before[name]) for name, value in once.items())
    why = "it would do nothing"
    yield holds(moved, "constrain", "weights that change", "the same", why)
    for name, value in network.state_dict().items():
        close = 1e-5 * float(once[name].abs().max())
        yield equal(
            f"constrain, {name}", value, once[name], "the same after a second time", "it should be a bound", close
        )
        sound = bool(value.isfinite().all())
        yield holds(sound, f"constrain, {name}", "finite values", "others", "a single one stops a run")


def it_does_something(subject: Subject) -> Iterator[Finding]:
    """A regularizer has a penalty, mixes ws, or constrains a network."""
    plugin, base = subject.plugin, Regularizer
    own = [name for name in ("penalty", "mix_ws", "constrain") if getattr(plugin, name) is not getattr(base, name)]
    yield holds(bool(own), "methods", "penalty, mix_ws or constrain", "none of them", "nothing calls anything else")


def _network(made: Any, step: SmallStep) -> nn.Module:
    return step.G if made.side == "generator" else step.D


def _repeated(fakes: Any, k: int) -> Any:
    def again(x: Tensor | None) -> Tensor | None:
        return None if x is None else torch.cat([x] * k)

    images = tuple(torch.cat([x] * k) for x in fakes.images)
    return replace(fakes, images=images, ws=again(fakes.ws), z=again(fakes.z), label=again(fakes.label))
