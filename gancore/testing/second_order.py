"""First and second derivatives are those of the function, in float64: R1 and path length differentiate gradients."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError

from gancore.testing.calls import calls_of
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject
from gancore.testing.uses import same

WHY = "weights would follow something else than the gradient"


def derivatives_are_those_of_the_function(subject: Subject) -> Iterator[Finding]:
    """Against differences of outputs, and of gradients, on a few numbers."""
    with doubles():
        small = replace(subject.at(resolution=4), n=2, weight=(3, 3, 1, 1))
        made = small.stirred()
        if not all(map(same, *[[call.outputs() for call in calls_of(small, made)] for _ in range(2)])):
            made.eval()  # its state moves in training
        for call in calls_of(small, made):
            names = list(call.differentiable)
            inputs = {name: value.requires_grad_(name in names) for name, value in call.inputs.items()}
            if not names or not (outputs := call.outputs(inputs)) or not outputs[0].requires_grad:
                continue

            def run(*values: Tensor, call: Any = call, inputs: Any = inputs, names: Any = names) -> tuple[Tensor, ...]:
                results: tuple[Tensor, ...] = call.outputs({**inputs, **dict(zip(names, values, strict=True))})
                return results

            values = tuple(inputs[name].clone().requires_grad_() for name in names)
            yield _agrees(torch.autograd.gradcheck, "derivative", call.name, run, values)
            yield _agrees(torch.autograd.gradgradcheck, "second derivative", call.name, run, values)


@contextmanager
def doubles() -> Iterator[None]:
    """A context in which new tensors are float64."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _agrees(
    checked: Callable[..., bool], order: str, name: str, run: Callable[..., Any], values: tuple[Tensor, ...]
) -> Finding:
    try:
        sound = checked(run, values, fast_mode=True, raise_exception=True)
        got = "another"
    except GradcheckError as error:
        sound, got = False, str(error).strip().splitlines()[0]
    return holds(sound, f"{order} of {name}", "that of differences of outputs", got, WHY)
