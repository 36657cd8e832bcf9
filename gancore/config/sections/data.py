"""Keys of `data:` that belong to the core: how images are prepared, whichever plugin reads them."""

from typing import Literal

from pydantic import Field

from gancore.options import Later, PluginConfig

FORMAT: Literal[2] = 2
"""The rules of new experiments."""


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
    format: Later[Literal[1, 2] | None] = Field(
        None,
        description="rules by which files become images and classes: 1 the older ones, 2; null: those of the run that "
        "is continued, else 2",
    )
