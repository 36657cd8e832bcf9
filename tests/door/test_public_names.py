"""The names of `import gancore`, and what typing one wrongly gives."""

import pytest

import gancore


def test_public_names_can_be_called_again_and_again():
    """Also after another name has imported the packages."""
    names = list(gancore._LAZY)
    for name in names + names[::-1]:
        assert callable(getattr(gancore, name)), name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_the_kind'"):
        gancore.nothing_of_the_kind  # noqa: B018
