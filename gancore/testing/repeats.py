"""The same inputs have the same outputs, so that runs are repeatable, and resumed ones equal to uninterrupted ones."""

from collections.abc import Iterator

import torch
from torch import nn

from gancore.testing.calls import calls_of
from gancore.testing.finding import Finding, equal, holds
from gancore.testing.subject import Subject

WHY = "random numbers have to come from the draw, or a resumed run ends elsewhere than one that never stopped"


def the_same_inputs_give_the_same_outputs(subject: Subject) -> Iterator[Finding]:
    """Of two instances with the same weights, while torch's own random state moves on."""
    first, second = (subject.made() for _ in range(2))
    pairs = zip(calls_of(subject, first), calls_of(subject, second), strict=True)
    for call, again in pairs:
        if call.repeatable:
            for one, two in zip(call.outputs(), again.outputs(call.inputs), strict=True):
                yield equal(call.name, two, one, "the same output for the same inputs and draw", WHY)


def first_weights_come_from_the_seed(subject: Subject) -> Iterator[Finding]:
    """Of two instances under one seed of torch; and not all of them are the same under another."""
    one, same, other = subject.made(), subject.made(), subject.made(seed=1)
    if not isinstance(one, nn.Module) or not list(one.parameters()):
        return
    states = [dict(made.state_dict()) for made in (one, same, other)]
    apart = [name for name, value in states[0].items() if not torch.equal(value, states[1][name])]
    why = "equal runs would differ"
    yield holds(not apart, "first weights", "the same under the same seed", f"{', '.join(apart)} differ", why)


def evaluation_changes_nothing(subject: Subject) -> Iterator[Finding]:
    """Buffers and parameters stay as they are in evaluation mode."""
    made = subject.made()
    calls = calls_of(subject, made)
    made.eval()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    with torch.no_grad():
        for call in calls:
            call.outputs()
    changed = [name for name, value in made.state_dict().items() if not value.equal(before[name])]
    got = f"another {', '.join(changed)}"
    yield holds(not changed, "evaluation mode", "a state that stays", got, "a model would change while it is measured")
