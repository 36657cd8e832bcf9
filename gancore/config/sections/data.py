"""Keys of `data:` that belong to the core: how images are prepared, whichever plugin reads them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gancore.options import Later, PluginConfig, one_side


def _ascending(levels: tuple[float, float] | None) -> tuple[float, float] | None:
    if levels is not None and levels[0] >= levels[1]:
        raise ValueError("the second must be larger than the first, like [0, 4095]")
    return levels


FORMAT: Literal[2] = 2
"""The rules of new experiments."""


class DataKeys(PluginConfig):
    """Keys of `data` beside the dataset's own options."""

    base: str | None = Field(
        None, description="folder that the dataset's relative paths refer to (default: this file's)"
    )
    resolution: Annotated[int | None, BeforeValidator(one_side)] = Field(
        None, ge=4, le=1024, description="width and height (default: the dataset's own)"
    )
    channels: int = Field(3, ge=1, le=4, description="1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha")
    labels: bool = Field(False, description="whether to train on class labels")
    mirror: bool = Field(False, description="whether to show every image mirrored as well")
    fit: Literal["resize", "crop", "pad", "wide"] | None = Field(
        None,
        description="what to do with images of another size or shape; wide: 4:3 between black bars; null: they are "
        "an error",
    )
    filter: Literal["lanczos", "bicubic", "bilinear", "box"] = Field("lanczos", description="filter of resizing")
    invalid: Literal["error", "skip"] = Field("error", description="what to do with unreadable images")
    levels: Annotated[Later[tuple[float, float] | None], AfterValidator(_ascending)] = Field(
        None,
        strict=False,
        description="[lowest, highest] of gray images of more than 8 bits, which become black and white; "
        "null: 0 and 65535",
    )
    decode: Later[Literal["ahead", "on_the_fly"]] = Field(
        "ahead",
        description="when images are decoded: once, and kept in memory or in a file; or on_the_fly, each time they are "
        "shown, with no more memory or disk for a million than for a thousand; the results are the same",
    )
    format: Later[Literal[1, 2] | None] = Field(
        None,
        description="rules by which files become images and classes: 1 the older ones, 2; null: those of the run that "
        "is continued, else 2",
    )
