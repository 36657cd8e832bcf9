"""A plugin can be copied, and sent to another process."""

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from gancore.testing.calls import CALLS, calls_of
from gancore.testing.finding import Finding, equal
from gancore.testing.subject import Subject


def copies_do_the_same(subject: Subject) -> Iterator[Finding]:
    """A deep copy, as of the averaged generator, and one that was pickled, as for a worker."""
    ways: dict[str, Callable[[Any], Any]] = {"copied": copy.deepcopy}
    if "<locals>" not in subject.plugin.__qualname__:  # those of a function cannot be pickled by their name
        ways["pickled"] = lambda made: pickle.loads(pickle.dumps(made))
    for how, way in ways.items():
        made = subject.made()
        other = way(made)
        if not isinstance(made, nn.Module) or subject.spec.kind not in CALLS:
            yield Finding(how, "without an exception")
            continue
        for call, again in zip(calls_of(subject, made), calls_of(subject, other), strict=True):
            if call.repeatable:
                for one, two in zip(call.outputs(), again.outputs(), strict=True):
                    yield equal(f"{call.name} of a {how} one", two, one, "the same output", "workers would differ")
