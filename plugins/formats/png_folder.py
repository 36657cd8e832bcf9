"""A folder of PNG images, for tools that read images and not models."""

from pathlib import Path

from pydantic import Field

from gancore.contracts import Format, PluginConfig
from gancore.interop.exporting import Model
from gancore.sampling import Look, Making, of_seed, write


class PNGFolder(Format):
    """Plugin `png_folder`: the first images of a seed, those of `gancore sample`; classes in turn."""

    title = "a folder of images"
    writes = "images"

    class Config(PluginConfig):
        """Options of writing."""

        count: int = Field(50_000, ge=1, le=1_000_000, description="images")
        seed: int = Field(0, ge=0, description="of latents and noise")
        truncation_psi: float = Field(1.0, description="pull of ws towards their mean; 1: none")

    def write(self, model: Model, out: Path) -> None:
        look, start = Look(None, self.cfg.truncation_psi), of_seed(model.generator, self.cfg.seed, self.cfg.count)
        images = Making(noise_mode="random").images(model.generator, start, look)
        write(out, images, start.names, [look], model.generator.interface)
