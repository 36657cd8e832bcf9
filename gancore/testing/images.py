"""The items of a dataset plugin can be read."""

from collections.abc import Iterator

import numpy as np

from gancore.testing.family import check
from gancore.testing.finding import Finding, holds
from gancore.testing.subject import Subject


@check("dataset")
def items_have_one_order(subject: Subject) -> Iterator[Finding]:
    dataset = subject.made()
    names, again = ([item.name for item in dataset.items()] for _ in range(2))
    yield holds(bool(names), "items", "at least one", "none")
    why = "a resumed run has to see the images that a run that never stopped would have seen"
    yield holds(names == again, "items", "the same order every time", "another order the second time", why)


@check("dataset")
def the_first_item_can_be_read(subject: Subject) -> Iterator[Finding]:
    for item in subject.made().items()[:1]:
        content = item.read()
        what = "the bytes of an image file, or uint8 [H, W] or [H, W, C]"
        if isinstance(content, np.ndarray):
            sound = content.dtype == np.uint8 and content.ndim in (2, 3)
            yield holds(sound, f"read, {item.name}", what, f"{content.dtype} {list(content.shape)}")
        else:
            yield holds(isinstance(content, bytes), f"read, {item.name}", what, f"a {type(content).__name__}")
