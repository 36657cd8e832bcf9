"""What formats that write images instead of a model share: which images, and how they are made."""

from pathlib import Path

from pydantic import Field

from gancore.contracts import Format, PluginConfig
from gancore.interop.exporting import Model
from gancore.sampling.making import Look, Making
from gancore.sampling.start import of_seed
from gancore.sampling.writing import write


class ImageFormat(Format):
    """Writes the first images of a seed, those of `gancore sample`; classes in turn. `writes` decides the form."""

    class Config(PluginConfig):
        """Options of writing."""

        count: int = Field(10_000, ge=1, le=1_000_000, json_schema_extra={"small": 2}, description="images")
        seed: int = Field(0, ge=0, description="of latents and noise")
        truncation_psi: float = Field(1.0, description="pull of ws towards their mean; 1: none")

    def write(self, model: Model, out: Path) -> None:
        look, start = Look(None, self.cfg.truncation_psi), of_seed(model.generator, self.cfg.seed, self.cfg.count)
        images = Making(noise_mode="random").images(model.generator, start, look)
        write(out, images, start.names, [look], model.generator.interface)
