"""The sections of an experiment, the keys at the top of its file."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from gancore.config.sections.grid import GridConfig
from gancore.config.sections.init_from import InitFrom
from gancore.config.sections.training import TrainingConfig
from gancore.config.slots import TOP
from gancore.options import PluginConfig

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$"


def _folder_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise ValueError("must be the name of a folder: up to 100 letters, digits and . _ + -, a letter or digit first")
    return name


def _chosen(name: str, default: Any = None) -> Any:
    """A section in which a plugin is chosen; the resolver checks its contents."""
    return Field(default, description=TOP[name].description)


class Sections(PluginConfig):
    """The sections of an experiment. Only `data` is required."""

    format: Literal[1] = Field(1, description="version of this language")
    name: Annotated[str, AfterValidator(_folder_name)] | None = Field(
        None,
        description="name of the run folder: letters, digits and ._+- (default: the file's name); not inherited",
        json_schema_extra={"pattern": NAME},
    )
    extends: str | None = Field(
        None, description="another experiment that this one builds on: a file, relative to this one, or preset:NAME"
    )
    plugins: dict[str, dict[str, str]] | None = Field(
        None, description="plugins from files: {kind: {name: ./file.py:Class}}, relative to this file"
    )
    data: Any = _chosen("data")
    generator: Any = _chosen("generator", {})
    discriminator: Any = _chosen("discriminator", {})
    loss: Any = _chosen("loss", {})
    regularizers: dict[str, Any] | None = _chosen("regularizers", {})
    augmentation: Any = _chosen("augmentation")
    latent: Any = _chosen("latent")
    init_from: InitFrom | str | None = Field(
        None, description="weights to start from: a file, or {file: FILE, networks: [...], freeze: [...]}"
    )
    training: TrainingConfig = Field(TrainingConfig(), description="optimizers, length, batch, seeds, logs")
    evaluation: Any = Field(None, description="metrics while training and at its end; null: none")
    analyses: list[Any] | None = _chosen("analyses", [])
    observers: list[Any] | None = _chosen("observers", [])
    grid: GridConfig | None = Field(None, description="makes many experiments from this one, for `gancore grid`")
