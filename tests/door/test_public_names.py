"""The names of `import gancore`, what typing one wrongly gives, and the record of all that is public."""

import pytest

import gancore
from scripts.make_public_names import CHANGELOG, flaws, public_names, recorded


def test_public_names_can_be_called_again_and_again():
    """Also after another name has imported the packages."""
    names = list(gancore._LAZY)
    for name in names + names[::-1]:
        assert callable(getattr(gancore, name)), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_the_kind'"):
        gancore.nothing_of_the_kind  # noqa: B018


def test_public_names_and_signatures_are_those_recorded():
    """New ones pass once CHANGELOG.md names them; `python -m scripts.make_public_names` then records them."""
    wrong = flaws(recorded(), public_names(), CHANGELOG.read_text("utf-8"))
    assert not wrong, "\n".join(wrong) + "\nscripts/make_public_names.py says what to do"


BEFORE = {"gancore.nn.Mix": ": class()", "gancore.nn.Mix.rho": ": Tensor", "gancore.nn.scaled": "(x: Tensor) -> Tensor"}
CHANGES = "# Changelog\n\n## [Unreleased]\n\n- `Fresh`.\n\n## 0.1\n\n- Old\n"


@pytest.mark.parametrize(
    ("now", "flaw"),
    [
        (BEFORE, ""),
        (BEFORE | {"gancore.nn.Fresh": ": class()", "gancore.nn.Fresh.size": ": int"}, ""),
        (BEFORE | {"gancore.nn.Old": ": class()"}, "new, and not in CHANGELOG.md: gancore.nn.Old: class()"),
        (BEFORE | {"gancore.nn.Mix.gain": ": Tensor"}, "new, and not in CHANGELOG.md: gancore.nn.Mix.gain: Tensor"),
        (dict(list(BEFORE.items())[:2]), "removed: gancore.nn.scaled(x: Tensor) -> Tensor"),
        (BEFORE | {"gancore.nn.Mix.rho": ": Tensor = ..."}, "changed: gancore.nn.Mix.rho: Tensor -> "),
    ],
)
def test_what_is_removed_changed_or_unsaid_is_found(now: dict[str, str], flaw: str):
    found = flaws(BEFORE, now, CHANGES)
    assert (found == []) if not flaw else (len(found) == 1 and found[0].startswith(flaw))


def test_the_lines_follow_definitions_to_where_they_are():
    names = public_names()
    assert names["gancore.nn.Linear"].startswith(": class(")
    assert names["gancore.contracts.value_at"].startswith("(value: Scheduled, kimg: float)")
    assert names["gancore.nn.processes"] == " = module gancore.nn.processes"
    assert not [name for name in names if "._" in name and not name.endswith(".__init__")]
