"""Outputs have the shape that the contract says, and finite values."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gancore.contracts import Part
from gancore.testing.calls import Shape, calls_of
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject

STOPS = "a single value that is not finite stops a run"


def outputs_have_their_shape(subject: Subject) -> Iterator[Finding]:
    for call in calls_of(subject, subject.made()):
        for output in call.outputs():
            yield from shaped(call.name, output, call.shape)


def outputs_of_flat_and_of_large_inputs_are_finite(subject: Subject) -> Iterator[Finding]:
    """Of inputs that are all zero, and a hundred times as large as usual, with the gradients to them."""
    for call in calls_of(subject, subject.made()):
        for scale in (0, 100):
            given = {name: (call.inputs[name] * scale).requires_grad_() for name in call.differentiable}
            inputs = {**call.inputs, **given}
            outputs = call.outputs(inputs)
            yield finite(f"{call.name} of inputs {'all zero' if scale == 0 else 'times 100'}", outputs)
            if given and any(output.requires_grad for output in outputs):
                total = torch.stack([output.sum() for output in outputs]).sum()
                found = torch.autograd.grad(total, list(given.values()), allow_unused=True)
                where = "at inputs all zero" if scale == 0 else "at inputs times 100"
                yield finite(f"gradient of {call.name} {where}", [g for g in found if g is not None])


def logged_values_are_numbers(subject: Subject) -> Iterator[Finding]:
    """Also those of all parts inside."""
    wrong = [name for part in subject.made().modules() if isinstance(part, Part) for name in _no_numbers(part)]
    expected = "tensors of one number, shape [], by name, {'p': tensor}"
    yield holds(not wrong, "scalars", expected, ", ".join(wrong), "they are written into the log at every tick")


def shaped(about: str, output: Any, shape: Shape) -> Iterator[Finding]:
    """Whether an output is a tensor of this shape with finite values."""
    what = f"shape {_written(shape)}"
    if not isinstance(output, Tensor):
        yield Finding(about, what, f"a {type(output).__name__}", "the engine expects tensors")
        return
    fits = output.shape[: len(shape) - 1] == shape[:-1] if shape[-1:] == (...,) else output.shape == shape
    finding = holds(fits, about, what, _written(tuple(output.shape)), "the next layer is built for this shape")
    yield finding
    if finding.passed:
        yield finite(about, [output])


def finite(about: str, outputs: "list[Tensor] | tuple[Tensor, ...]") -> Finding:
    """Whether all values are finite."""
    wrong, total = sum(int((~x.isfinite()).sum()) for x in outputs), sum(x.numel() for x in outputs)
    return holds(wrong == 0, about, "finite values", f"{wrong} of {total} that are not", STOPS)


def _no_numbers(part: Part) -> Iterator[str]:
    values: Any = part.scalars()
    if not hasattr(values, "items"):
        yield repr(values)
        return
    for name, value in values.items():
        if not isinstance(value, Tensor):
            yield f"{name!r}: {value!r}"
        elif not isinstance(name, str) or value.ndim:
            yield f"{name!r} of shape {list(value.shape)}"


def _written(shape: Shape) -> str:
    return f"[{', '.join('...' if size is ... else str(size) for size in shape)}]"
