"""Inputs are as they were after a call."""

from collections.abc import Iterator

from gancore.testing.calls import calls_of
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject


def inputs_are_left_as_they_are(subject: Subject) -> Iterator[Finding]:
    for call in calls_of(subject, subject.made()):
        before = {name: value.clone() for name, value in call.inputs.items()}
        call.outputs()
        changed = [name for name, value in call.inputs.items() if not value.equal(before[name])]
        expected = f"{', '.join(before) or 'nothing'} unchanged"
        why = "others go on with the same tensor"
        yield holds(not changed, call.name, expected, f"{', '.join(changed)} changed in place", why)
