"""Outputs have the shape that the contract says, and finite values."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from gancore.contracts import Part
from gancore.testing.calls import CALLS, Shape, calls_of
from gancore.testing.family import check
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject


@check(*CALLS)
def outputs_have_their_shape(subject: Subject) -> Iterator[Finding]:
    for call in calls_of(subject, subject.made()):
        for output in call.outputs():
            yield from shaped(call.name, output, call.shape)


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
        wrong = int((~output.isfinite()).sum())
        got = f"{wrong} of {output.numel()} that are not"
        yield holds(wrong == 0, about, "finite values", got, "a single one stops a run")


@check("normalization", "generator", "discriminator", "augmentation", "regularizer")
def logged_values_are_numbers(subject: Subject) -> Iterator[Finding]:
    """Also those of all parts inside."""
    wrong = [name for part in subject.made().modules() if isinstance(part, Part) for name in _no_numbers(part)]
    expected = "tensors of one number, shape [], by name, {'p': tensor}"
    yield holds(not wrong, "scalars", expected, ", ".join(wrong), "they are written into the log at every tick")


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
