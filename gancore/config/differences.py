"""The differences between two resolved experiments."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gancore.config.yaml.document import Keys, dotted
from gancore.config.yaml.scalars import inline

ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """A key with two values; ABSENT if one of the experiments does not have the key."""

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.key}: {_show(self.before)} -> {_show(self.after)}"

    def to_dict(self) -> dict[str, Any]:
        """As data for JSON; a key that is absent on one side has no entry for it."""
        sides = {"before": self.before, "after": self.after}
        return {"key": self.key, **{side: value for side, value in sides.items() if value is not ABSENT}}


def differences(before: Any, after: Any) -> list[Difference]:
    """The keys in which two resolved experiments (plain data) differ, in the order of the first."""
    return list(_differences(before, after, ()))


def _differences(before: Any, after: Any, keys: Keys) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from _differences(before.get(key, ABSENT), after.get(key, ABSENT), (*keys, key))
    else:
        yield Difference(dotted(keys), before, after)


def _show(value: Any) -> str:
    return "absent" if value is ABSENT else inline(value)
