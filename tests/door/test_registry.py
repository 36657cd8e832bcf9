"""Specs and registry: what they accept, find, load, and say when they cannot."""

import itertools

import pytest

from gancore.errors import PluginError, did_you_mean, nearest
from gancore.kinds import CONTRACTS, KINDS
from gancore.registry import PluginSpec, Registry


def spec(kind: str = "loss", name: str = "mine", target: str = "theirs:Mine", **rest: str) -> PluginSpec:
    return PluginSpec(kind, name, target, "one line", **rest)


def registry(*specs: PluginSpec) -> Registry:
    return Registry({(each.kind, each.name): each for each in specs})


def test_the_kinds_are_those_of_the_design():
    assert KINDS[:5] == ("normalization", "generator", "discriminator", "regularizer", "loss")
    assert KINDS[5:] == (
        "augmentation",
        "latent",
        "optimizer",
        "dataset",
        "metric",
        "feature",
        "analysis",
        "observer",
        "format",
    )


def test_every_kind_has_a_contract():
    from gancore import contracts

    assert all(issubclass(getattr(contracts, name), contracts.Plugin) for names in CONTRACTS.values() for name in names)


def test_specs_come_in_the_order_of_kinds_and_names():
    made = [spec("metric", "a"), spec("loss", "b"), spec("loss", "a"), spec("generator", "z")]
    listed = registry(*made).specs()
    assert [(each.kind, each.name) for each in listed] == [
        *[("generator", "z"), ("loss", "a")],
        *[("loss", "b"), ("metric", "a")],
    ]
    assert registry(*made).names("loss") == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("loss", "hing", "loss 'hing' is unknown; did you mean 'hinge'? known: hinge"),
        ("loss", "r1", "loss 'r1' is unknown: 'r1' is a regularizer; known: hinge"),
        ("generator", "skip", "generator 'skip' is unknown; known: none"),
        ("losses", "hinge", "unknown kind 'losses'; did you mean 'loss'?"),
    ],
)
def test_what_is_not_there_is_told(kind: str, name: str, message: str):
    with pytest.raises(PluginError) as told:
        registry(spec(name="hinge"), spec("regularizer", "r1")).get(kind, name)
    assert message in str(told.value)


def test_a_local_plugin_may_not_take_a_name():
    known = registry(spec(distribution="theirs", version="1.0"))
    with pytest.raises(PluginError, match=r"plugins.loss.mine: theirs 1.0 has a loss of this name"):
        known.with_local([spec(distribution="local")])
    assert known.with_local([spec(name="other")]).names("loss") == ["mine", "other"]
    assert known.names("loss") == ["mine"]


LOADS = {
    "missing module": ("", "nowhere:Mine", "No module named 'nowhere'"),
    "missing class": ("", "theirs:Mine", "has no attribute 'Mine'"),
    "exits": ("raise SystemExit(3)", "theirs:Mine", "SystemExit: 3"),
    "syntax error": ("class (", "theirs:Mine", "SyntaxError"),
    "not a class": ("Mine = 3", "theirs:Mine", "is not a class"),
    "another kind": (
        "from gancore.contracts import Dataset as Mine",
        "theirs:Mine",
        "is no loss: theirs:Mine is not derived from gancore.contracts.Loss",
    ),
    "no Config": (
        "from gancore.contracts import Loss\nclass Mine(Loss): Config = dict",
        "theirs:Mine",
        "has no nested Config derived from gancore.contracts.PluginConfig",
    ),
}


@pytest.mark.parametrize(("code", "target", "message"), LOADS.values(), ids=LOADS)
def test_what_cannot_be_loaded_is_told(site, code: str, target: str, message: str):
    (site / "theirs.py").write_text(code)
    with pytest.raises(PluginError) as told:
        spec(target=target, distribution="their-plugins", version="2.1").load()
    assert str(told.value).startswith("loss 'mine' of their-plugins 2.1 ")
    assert message in str(told.value)


def test_a_weight_normalization_is_a_normalization(site):
    (site / "theirs.py").write_text(
        "from gancore.contracts import WeightNormalization\nclass W(WeightNormalization): ..."
    )
    assert spec("normalization", target="theirs:W").load().__name__ == "W"


def test_suggestions_do_not_depend_on_the_order_of_names():
    orders = list(itertools.permutations(["ping", "ding", "hinge", "ring"]))  # three are equally near
    assert {did_you_mean("ing", names) for names in orders} == {did_you_mean("ing", orders[0])}
    assert {nearest("ing", names) for names in orders} == {"did you mean 'ring', 'ping' or 'ding'? "}
