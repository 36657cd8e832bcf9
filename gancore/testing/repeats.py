"""The same inputs have the same outputs, so that runs are repeatable, and resumed ones equal to uninterrupted ones."""

from collections.abc import Iterator

from gancore.testing.calls import CALLS, calls_of
from gancore.testing.family import check
from gancore.testing.finding import Finding, equal
from gancore.testing.subject import Subject

WHY = "random numbers have to come from the draw, or a resumed run ends elsewhere than one that never stopped"


@check(*CALLS)
def the_same_inputs_give_the_same_outputs(subject: Subject) -> Iterator[Finding]:
    """Of two instances with the same weights, while torch's own random state moves on."""
    first, second = (subject.made() for _ in range(2))
    pairs = zip(calls_of(subject, first), calls_of(subject, second), strict=True)
    for call, again in pairs:
        if call.repeatable:
            for one, two in zip(call.outputs(), again.outputs(call.inputs), strict=True):
                yield equal(call.name, two, one, "the same output for the same inputs and draw", WHY)
