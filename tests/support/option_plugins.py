"""A small registry of plugins that only have options, so that the language is tested apart from the real ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from gancore.contracts import (
    Augmentation,
    Context,
    Dataset,
    Discriminator,
    Generator,
    Item,
    Loss,
    Normalization,
    PluginConfig,
    Regularizer,
    Scheduled,
    WeightNormalization,
    within,
)
from gancore.errors import DataError
from gancore.registry import PluginSpec
from gancore_plugins.optimizers.adam import Adam
from gancore_plugins.optimizers.rmsprop import RMSprop
from gancore_plugins.optimizers.sgd import SGD


class Channels(PluginConfig):
    base: int = Field(16384, ge=1, description="channels at resolution 1")
    max: int = Field(512, ge=1)


class Mapping(PluginConfig):
    layers: int = Field(8, ge=1)


class Skip(Generator):
    provides = frozenset({"styles", "ws"})

    class Config(PluginConfig):
        channels: Channels = Channels()
        mapping: Mapping = Mapping()
        noise: bool = True
        filter: tuple[float, ...] = Field((1, 3, 3, 1), strict=False, min_length=1)


class Plain(Generator):
    class Config(PluginConfig):
        channels: Channels = Channels()
        width: int = 3
        code: int | Literal["auto"] = "auto"

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Sequence[str]:
        return [] if context.interface.resolution <= 32 else ["resolution must be at most 32"]


class Residual(Discriminator):
    class Config(PluginConfig):
        channels: Channels | None = Field(None, json_schema_extra={"inherits": "generator.channels"})
        groups: int = Field(1, ge=1)


class Narrow(Discriminator):
    class Config(PluginConfig):
        channels: int | None = Field(None, json_schema_extra={"inherits": "generator.channels"})


class NoNorm(Normalization):
    pass


class Demod(Normalization):
    requires: ClassVar = {"network:styles": "its scale comes from the style"}


class Pin(Normalization):
    class Config(PluginConfig):
        rho: Annotated[Scheduled, within(ge=0, le=1)] = 1


class Spectral(WeightNormalization):
    class Config(PluginConfig):
        iterations: int = Field(1, ge=1)


class NonSaturating(Loss):
    pass


class R1(Regularizer):
    class Config(PluginConfig):
        gamma: Annotated[Scheduled, within(ge=0)] = 10
        interval: int = Field(16, ge=1)


class PathLength(Regularizer):
    requires: ClassVar = {"generator:ws": "it measures steps in W"}

    class Config(PluginConfig):
        weight: Annotated[Scheduled, within(ge=0)] = 2
        interval: int = Field(4, ge=1)


class Ada(Augmentation):
    class Config(PluginConfig):
        target: float = Field(0.6, gt=0, lt=1)
        kinds: list[str] = Field(["blit"])


class Emoji(Dataset):
    default_resolution = 32

    class Config(PluginConfig):
        classes: list[str] | None = None

    def items(self) -> Sequence[Item]:
        return [Item("0", lambda: np.zeros((32, 32, 3), np.uint8), 0)]


class Folder(Dataset):
    class Config(PluginConfig):
        path: Path = Field(strict=False)

    def items(self) -> Sequence[Item]:
        if not (self.base / self.cfg.path).is_dir():
            raise DataError(f"there is no folder {self.cfg.path}")
        return [Item("0", lambda: np.zeros((32, 32, 3), np.uint8))]


class Broken(Loss):
    class Config(PluginConfig):
        def model_post_init(self, context: Any) -> None:
            raise KeyError("a mistake of the plugin's author")


PLUGINS: dict[str, dict[str, type]] = {
    "normalization": {"none": NoNorm, "demod": Demod, "pin": Pin, "spectral": Spectral},
    "generator": {"skip": Skip, "plain": Plain},
    "discriminator": {"residual": Residual, "narrow": Narrow},
    "regularizer": {"r1": R1, "path_length": PathLength},
    "loss": {"non_saturating": NonSaturating, "broken": Broken},
    "augmentation": {"ada": Ada},
    "dataset": {"emoji": Emoji, "folder": Folder},
    "optimizer": {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD},
}


@dataclass(frozen=True)
class FakeSpec(PluginSpec):
    made: Any = field(default=None, compare=False)

    def load(self) -> type[Any]:
        return self.made
