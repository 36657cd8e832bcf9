"""Whether parts fit: what they require, what they say about sizes, and the choice that is offered instead."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import pytest
from support.option_plugins import FakeSpec

from gancore.config import Experiment, load_experiment
from gancore.contracts import Augmentation, Context, Generator, Loss, Normalization, PluginConfig, Regularizer
from gancore.errors import ConfigError, PluginError
from gancore.registry import Registry


def with_plugin(registry: Registry, kind: str, made: type) -> Registry:
    """The registry and one more plugin, called `extra`."""
    return registry.with_local([FakeSpec(kind, "extra", "fakes:Fake", distribution="fakes", version="1", made=made)])


def refusal(mapping: dict[str, Any], registry: Registry) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_experiment({"data": "emoji", **mapping}, registry=registry)
    return [str(problem) for problem in caught.value.problems]


def test_the_network_of_a_normalization_is_the_one_it_stands_in(
    load: Callable[..., Experiment], registry: Registry
) -> None:
    load({"data": "emoji", "generator": {"normalization": "demod"}})
    (line,) = refusal({"discriminator": {"normalization": "demod"}}, registry)
    assert line == (
        "discriminator.normalization: 'demod' needs a discriminator with styles (its scale comes from the style), "
        "and discriminator 'residual' has none; choose discriminator.normalization none, pin"
    )


def test_a_missing_neighbour(registry: Registry) -> None:
    class NeedsStrength(Loss):
        requires: ClassVar = {"augmentation:strength": "it reads it"}

    (line,) = refusal({"loss": "extra"}, with_plugin(registry, "loss", NeedsStrength))
    assert line.startswith(
        "loss: 'extra' needs an augmentation with strength (it reads it), and there is no augmentation"
    )
    assert "choose loss non_saturating" in line


def test_one_of_several_regularizers_may_provide(registry: Registry) -> None:
    class Gives(Regularizer):
        provides = frozenset({"lipschitz"})

    class Critic(Loss):
        requires: ClassVar = {"regularizer:lipschitz": "a critic must be bounded"}

    plugins = with_plugin(with_plugin(registry, "regularizer", Gives), "loss", Critic)
    load_experiment({"data": "emoji", "loss": "extra", "regularizers": {"r1": {}, "extra": {}}}, registry=plugins)
    (line,) = refusal({"loss": "extra", "regularizers": {"r1": {}}}, plugins)
    assert "choose regularizer extra" in line


def test_what_a_part_sees(registry: Registry) -> None:
    seen: list[Context] = []

    class Looks(Normalization):
        @classmethod
        def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
            seen.append(context)
            return ["the batch must be divisible by 3"] if context.batch % 3 else []

    mapping = {
        "data": {"use": "emoji", "resolution": 16, "channels": 1, "labels": True},
        "discriminator": {"normalization": "extra"},
        "training": {"batch": 32},
    }
    assert refusal(mapping, with_plugin(registry, "normalization", Looks)) == [
        "discriminator.normalization: the batch must be divisible by 3"
    ]
    (context,) = seen
    assert (context.interface.resolution, context.interface.channels, context.interface.label_dim) == (16, 1, 1)
    assert context.network == "discriminator"
    assert context.provided["generator"] == {"styles", "ws"}
    assert context.provided["network"] == frozenset()


def test_a_check_that_fails_is_a_problem_of_the_plugin(registry: Registry) -> None:
    class Fails(Augmentation):
        @classmethod
        def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
            raise ZeroDivisionError("division by zero")

    lines = refusal({"augmentation": "extra"}, with_plugin(registry, "augmentation", Fails))
    title = "augmentation: augmentation 'extra' of fakes 1"
    assert lines == [f"{title} could not check whether it fits: ZeroDivisionError: division by zero"]


class RequiresList(Loss):
    requires: ClassVar = ["generator:styles"]


class RequiresNumbers(Loss):
    requires: ClassVar = {"generator:styles": 1}


class ProvidesText(Loss):
    provides: ClassVar = "lipschitz"


class ProvidesNothing(Loss):
    provides: ClassVar = None


class RequiresNothing(Loss):
    requires: ClassVar = None


@pytest.mark.parametrize("made", [RequiresList, RequiresNumbers, RequiresNothing, ProvidesText, ProvidesNothing])
def test_declarations_that_are_none_are_the_authors_mistake(made: type, registry: Registry) -> None:
    plugins = with_plugin(registry, "loss", made)
    (line,) = refusal({"loss": "extra"}, plugins)
    assert line.startswith("loss: loss 'extra' of fakes 1 ")
    assert "it should be a" in line
    refusal({"discriminator": {"normalization": "demod"}}, plugins)  # a neighbour's mistake is still told


def test_plugins_with_such_declarations_are_not_offered(registry: Registry) -> None:
    class NeedsStrength(Loss):
        requires: ClassVar = {"augmentation:strength": "it reads it"}

    plugins = with_plugin(with_plugin(registry, "loss", NeedsStrength), "augmentation", augmentation_of_none())
    (line,) = refusal({"loss": "extra"}, plugins)
    assert line.endswith("; choose loss non_saturating, broken")


def augmentation_of_none() -> type:
    class Nothing(Augmentation):
        provides: ClassVar = None

    return Nothing


def test_an_option_named_like_a_key_of_the_core_is_the_authors_mistake(registry: Registry) -> None:
    class Greedy(Generator):
        class Config(PluginConfig):
            normalization: str = "mine"

    (line,) = refusal({"generator": "extra"}, with_plugin(registry, "generator", Greedy))
    assert line.startswith("generator: generator 'extra' has options that are gancore's own (normalization)")


def test_broken_plugins_are_not_offered(registry: Registry) -> None:
    class Unloadable(FakeSpec):
        def load(self) -> type[Any]:
            raise PluginError("cannot be loaded")

    plugins = registry.with_local([Unloadable("generator", "extra", "fakes:Fake", made=Generator)])
    (line,) = refusal({"generator": {"use": "plain", "normalization": "demod"}}, plugins)
    assert "choose generator skip or" in line
    assert refusal({"generator": "extra"}, plugins) == ["generator: cannot be loaded"]
