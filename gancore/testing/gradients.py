"""Gradients reach inputs and parameters, and are finite."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from gancore.testing.calls import CALLS, calls_of
from gancore.testing.family import check
from gancore.testing.finding import Finding, holds
from gancore.testing.outputs import shaped
from gancore.testing.step import SmallDraw, SmallStep
from gancore.testing.subject import INTERFACE, LABEL, N, Subject


@check(*CALLS)
def gradients_reach_the_inputs(subject: Subject) -> Iterator[Finding]:
    for call in calls_of(subject, subject.made()):
        if call.differentiable:
            inputs = {name: value.requires_grad_(name in call.differentiable) for name, value in call.inputs.items()}
            total = _sum(call.outputs(inputs))
            for name in call.differentiable:
                yield _gradient(f"{call.name}, by {name}", total, {name: inputs[name]})


@check("generator", "discriminator")
def gradients_reach_every_parameter(subject: Subject) -> Iterator[Finding]:
    """Those of a network that grows, at one of its stages."""
    made = subject.made()
    total = _sum(output for call in calls_of(subject, made) for output in call.outputs())
    parameters = {name: p for name, p in made.named_parameters() if p.requires_grad}
    yield _gradient(f"by {len(parameters)} parameters", total, parameters)


@check("regularizer")
def a_penalty_changes_its_network(subject: Subject) -> Iterator[Finding]:
    made, step = subject.made(), SmallStep(INTERFACE, SmallDraw(N), LABEL)
    penalty = made.penalty(step)
    if penalty is None:
        return
    if not isinstance(penalty, Tensor) or penalty.ndim > 1:
        got = f"shape {list(penalty.shape)}" if isinstance(penalty, Tensor) else f"a {type(penalty).__name__}"
        yield Finding("penalty", f"shape [{N}], a value a sample, or []", got, "the engine takes the mean of it")
        return
    yield from shaped("penalty", penalty, tuple(penalty.shape))
    network = step.G if made.side == "generator" else step.D
    reached = (
        torch.autograd.grad(penalty.sum(), list(network.parameters()), allow_unused=True)
        if penalty.requires_grad
        else ()
    )
    found = [gradient for gradient in reached if gradient is not None]
    sound = bool(found) and all(bool(gradient.isfinite().all()) for gradient in found)
    got = "gradients that are not finite" if found else "none"
    yield holds(sound, "penalty", f"finite gradients of the {made.side}", got, "a penalty acts through them alone")


@check("regularizer")
def a_constraint_can_be_applied(subject: Subject) -> Iterator[Finding]:
    made, step = subject.made(), SmallStep(INTERFACE, SmallDraw(N), LABEL)
    made.constrain(step.G if made.side == "generator" else step.D)
    yield Finding("constrain", f"acts on the {made.side}, interval {made.interval}")


def _sum(outputs: "Iterator[Tensor] | tuple[Tensor, ...]") -> Tensor:
    """One number that depends on every value of the outputs in its own way."""
    return torch.stack([(output * torch.randn_like(output)).sum() for output in outputs]).sum()


def _gradient(about: str, total: Tensor, inputs: Mapping[str, Tensor]) -> Finding:
    found = (
        torch.autograd.grad(total, list(inputs.values()), retain_graph=True, allow_unused=True)
        if total.requires_grad
        else [None] * len(inputs)
    )
    none = [name for name, gradient in zip(inputs, found, strict=True) if gradient is None]
    wrong = [n for n, g in zip(inputs, found, strict=True) if g is not None and not g.isfinite().all()]
    got = "; ".join(
        filter(
            None,
            (
                f"none for {', '.join(none)}" * bool(none),
                f"values that are not finite for {', '.join(wrong)}" * bool(wrong),
            ),
        )
    )
    return holds(not got, f"gradient of {about}", "finite", got, "what gets no gradient is never trained")
