"""The declarations of a plugin, before it is built: options, requires, provides, problems."""

from collections.abc import Iterator, Mapping
from typing import Any

from gancore.config.slots import reserved
from gancore.errors import did_you_mean
from gancore.kinds import KINDS
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject

SLOTS = (*KINDS, "network", "run")
"""The valid first words of a requirement, before its colon."""


def options_have_names_of_their_own(subject: Subject) -> Iterator[Finding]:
    names = subject.plugin.Config.model_fields
    taken = sorted(names.keys() & reserved(subject.spec.kind))
    got = f"{', '.join(taken)}, which cannot be set" if taken else ""
    yield Finding("options", ", ".join(name for name in names if name not in taken) or "none", got)


def provides_is_a_set_of_words(subject: Subject) -> Iterator[Finding]:
    provides: Any = subject.plugin.provides
    sound = isinstance(provides, set | frozenset) and all(isinstance(word, str) for word in provides)
    yield holds(sound, "provides", "a set of words, frozenset({'styles'})", repr(provides))


def requires_says_what_and_why(subject: Subject) -> Iterator[Finding]:
    requires: Any = subject.plugin.requires
    what = "a mapping, {'generator:styles': 'why'}"
    if not isinstance(requires, Mapping):
        yield Finding("requires", what, repr(requires))
        return
    for requirement, why in requires.items():
        slot, _, word = requirement.partition(":") if isinstance(requirement, str) else ("", "", "")
        if not word or not isinstance(why, str):
            yield Finding("requires", what, f"{{{requirement!r}: {why!r}}}")
        elif slot not in SLOTS:
            got = f"{requirement!r}, and there is no {slot!r}; {did_you_mean(slot, SLOTS)}"
            yield Finding("requires", what, got, "no experiment could ever use the plugin")


def problems_are_sentences(subject: Subject) -> Iterator[Finding]:
    """Of a small composition."""
    wrong = [repr(reason) for reason in subject.problems if not isinstance(reason, str)]
    yield holds(not wrong, "problems", "sentences", ", ".join(wrong), "they are error messages of an experiment")
