"""A plugin works at other sizes than the usual ones, as far as it does not say that it cannot."""

from collections.abc import Iterator

from gancore.testing.calls import calls_of
from gancore.testing.finding import Finding
from gancore.testing.outputs import shaped
from gancore.testing.subject import Subject, variants


def other_sizes_work(subject: Subject) -> Iterator[Finding]:
    """Batches of 1 and 3, other resolutions, channels and kernels, more classes and none; unless `problems` forbids."""
    for name, other in variants(subject):
        if other.problems:
            continue
        try:
            for call in calls_of(other, other.made()):
                for output in call.outputs():
                    for finding in shaped(f"{call.name}, {name}", output, call.shape):
                        yield finding
                        if not finding.passed:  # one is enough
                            return
        except Exception as error:
            error.add_note(f"with {name}")
            raise
