"""Images that cannot be used: one error names them all, says why, and what can be done."""

from collections import Counter
from collections.abc import Collection, Sequence

from gancore.errors import DataError
from gancore.names import shown

LISTED = 10

REMEDIES = {
    "damaged": "replace damaged files",
    "size": "`resolution` says the size, `fit: resize | crop | pad | wide` makes images fit it",
    "levels": "`levels: [lowest, highest]` says which values become black and white",
    "channels": "`channels: 1 | 2 | 3 | 4` makes all of them gray, gray with alpha, RGB, RGB with alpha",
}
"""What went wrong with an image, in a word, and what helps."""


class Rejected(Exception):
    """An image cannot be used; `kind` is one of REMEDIES, the message is the reason."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


Rejections = Sequence[tuple[str, Rejected]]
"""Names of images with the reason for each."""


def described(rejections: Rejections) -> list[str]:
    """A line for each image: "name: reason"."""
    return [f"{shown(name)}: {cause}" for name, cause in rejections]


class Unusable(DataError):
    """Images of a data set cannot be used.

    found: which, and why, without what an experiment may do about it. kinds: those of REMEDIES that would help.
    """

    def __init__(self, found: str, remedies: str, kinds: Collection[str]) -> None:
        super().__init__(f"{found}\n{remedies}")
        self.found, self.kinds = found, kinds


def refusal(rejections: Rejections, total: int, skipping: bool = False, first: bool = False) -> Unusable:
    """The error for unusable images among `total`; `skipping` when they may be left out, but not as many of them.

    first: only these, the first ones, were read.
    """
    kinds = Counter(cause.kind for _, cause in rejections)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    which = f"the first {len(rejections)} of {total} images, all that were read," if first else ""
    most = "most would be left out: " if skipping and len(rejections) * 2 > total > len(rejections) else ""
    lines = [f"{most}{which or f'{len(rejections)} of {total} images'} cannot be used ({counts}):"]
    lines += [f"  {line}" for line in described(rejections[:LISTED])]
    if len(rejections) > LISTED:
        lines.append(f"  and {len(rejections) - LISTED} more")
    remedies = [REMEDIES[kind] for kind in REMEDIES if kind in kinds]
    if not skipping:
        remedies.append("`invalid: skip` leaves such images out")
    return Unusable("\n".join(lines), "; ".join(remedies), set(kinds))
