"""A discriminator looks at labels, or names classes."""

from collections.abc import Iterator

from gancore.testing.calls import normal
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject


def logits_follow_images_and_labels(subject: Subject) -> Iterator[Finding]:
    made, size = subject.stirred().eval(), subject.interface.resolution
    images = normal(subject.n, subject.interface.channels, size, size)
    why = "a generator would learn nothing about it"
    (one, *_), (other, *_) = made((images,), subject.label), made((images.flip(0),), subject.label)
    yield holds(not one.equal(other), "head", "other logits for other images", "the same", why)
    if subject.label is not None and "class_logits" not in subject.plugin.provided_with(subject.cfg):
        (other, *_) = made((images,), subject.label.flip(1))
        yield holds(not one.equal(other), "head", "other logits for other labels", "the same", why)
