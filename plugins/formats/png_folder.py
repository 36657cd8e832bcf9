"""A folder of PNG images, for tools that read images and not models."""

from pydantic import Field

from gancore.sampling.image_format import ImageFormat


class PNGFolder(ImageFormat):
    """Plugin `png_folder`: the first images of a seed, those of `gancore sample`; classes in turn."""

    title = "a folder of images"
    writes = "images"

    class Config(ImageFormat.Config):
        """Options of writing."""

        count: int = Field(50_000, ge=1, le=1_000_000, json_schema_extra={"small": 2}, description="images")
