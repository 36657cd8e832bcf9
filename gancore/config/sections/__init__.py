"""The frame of an experiment: its sections, and the options that are the core's rather than a plugin's."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from gancore.config.sections.grid import GridConfig
from gancore.config.sections.training import TrainingConfig
from gancore.config.yaml.document import Keys
from gancore.options import PluginConfig

NAME = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$"

KEY = r"[A-Za-z0-9_-]+"
"""What the keys of `regularizers` are made of: they become parts of names in checkpoints and logs."""


def _folder_name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise ValueError("must be the name of a folder: up to 100 letters, digits and . _ + -, a letter or digit first")
    return name


DEFAULTS: Mapping[Keys, str] = {
    ("generator",): "skip",
    ("generator", "normalization"): "demod",
    ("discriminator",): "residual",
    ("discriminator", "normalization"): "none",
    ("loss",): "non_saturating",
    ("evaluation", "features"): "inception",
}
"""The plugin of a part that does not say `use`."""

NETWORK_KEYS = {
    "normalization": "what keeps the activations of every layer in bounds: NAME or {use: NAME, ...}",
    "weight_normalization": "acts on every weight of the network (spectral); null for none",
}
"""Keys of `generator` and `discriminator` beside the plugin's own options."""


class Frame(PluginConfig):
    """The sections of an experiment. Only `data` must be given."""

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
    data: Any = Field(None, description="where images come from, and how they are fitted")
    generator: Any = Field({}, description="latents to images")
    discriminator: Any = Field({}, description="images to logits")
    loss: Any = Field({}, description="the adversarial loss")
    regularizers: dict[str, Any] | None = Field(
        {}, description="any number; the key is the plugin unless `use` says otherwise; null removes an inherited one"
    )
    augmentation: Any = Field(None, description="what reals and fakes go through before the discriminator; null: none")
    training: TrainingConfig = Field(TrainingConfig(), description="optimizers, length, batch, seeds, logs")
    evaluation: Any = Field(None, description="metrics while training and at its end; null: none")
    grid: GridConfig | None = Field(None, description="makes many experiments of this one, for `gancore grid`")


class DataKeys(PluginConfig):
    """Keys of `data` beside the dataset's own options."""

    base: str | None = Field(
        None, description="folder that the dataset's relative paths refer to (default: this file's)"
    )
    resolution: int | None = Field(None, ge=4, le=1024, description="width and height (default: the dataset's own)")
    channels: int = Field(3, ge=1, le=4, description="1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha")
    labels: bool = Field(False, description="whether to train on class labels")
    mirror: bool = Field(False, description="whether to show every image mirrored as well")
    fit: Literal["resize", "crop", "pad"] | None = Field(
        None, description="what to do with images of another size or shape; null: they are an error"
    )
    filter: Literal["lanczos", "bicubic", "bilinear", "box"] = Field("lanczos", description="filter of resizing")
    invalid: Literal["error", "skip"] = Field("error", description="what to do with unreadable images")
