"""A folder for the Hugging Face Hub: model, card, experiment, samples.

`gancore.interop.hub.HubGenerator.from_pretrained(FOLDER)` and `gancore.load(FOLDER)` take it. The card says what is
known: architecture, data, training, scores with their protocols. The terms of the weights are those that were given, or
"unknown".
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from gancore.contracts import Format, PluginConfig
from gancore.interop.exporting import Model
from gancore.sampling import Look, Making, of_seed, write


class Hub(Format):
    """Plugin `hub`: README.md, config.json, experiment.yaml, model.safetensors and samples.png."""

    title = "Hugging Face Hub"
    writes = "hub"

    class Config(PluginConfig):
        """Options of writing."""

        samples: int = Field(36, ge=1, le=1000, description="images in samples.png, the first of seed 0")

    def write(self, model: Model, out: Path) -> None:
        G, look = model.generator, Look()
        out.mkdir()
        model.save(out / "model.safetensors")
        (out / "experiment.yaml").write_text(model.experiment.to_yaml(), encoding="utf-8")
        config = {"library_name": "gancore", "generator": model.options()["use"], "interface": vars(G.interface)}
        (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        start = of_seed(G, 0, self.cfg.samples)
        write(out / "samples.png", Making().images(G, start, look), start.names, [look], G.interface)
        (out / "README.md").write_text("".join(f"{line}\n" for line in card(model)), encoding="utf-8")


def card(model: Model) -> Iterator[str]:
    """The model card, a line each."""
    G, about = model.generator, model.about
    shape = G.interface
    yield from ("---", f"license: {json.dumps(model.licence)}", "library_name: gancore")
    yield from ("pipeline_tag: unconditional-image-generation", "tags: [gan, image-generation]", "---", "")
    yield from (f"# {model.experiment.name}", "", "![samples](samples.png)", "")
    facts: dict[str, Any] = {
        "images": f"{shape.resolution}x{shape.resolution}, {shape.channels} channels",
        "classes": shape.label_dim or "none",
        "generator": f"{model.options()['use']}, {sum(p.numel() for p in G.parameters()):,} parameters",
        "discriminator": model.options("discriminator")["use"],
        "data": json.dumps(model.data) if model.data else "unknown",
        "training": f"{about['kimg']:g} kimg" if isinstance(about.get("kimg"), int | float) else "unknown",
        "terms of the weights": model.licence,
    }
    if imported := about.get("imported"):
        facts["imported from"] = f"{imported['file']} ({imported['format']})"
        facts["known of its training"] = json.dumps(imported["facts"])
    yield from ("| what | |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in facts.items()))
    if model.scores:
        yield from ("", "| score | value | samples | protocol |", "|---|---|---|---|")
        for score in model.scores:
            cells = (score["name"], f"{score['value']:.5g}", score.get("samples"), score.get("protocol"))
            yield f"| {' | '.join(map(_cell, cells))} |"
    yield from ("", "```python", "import torch", "from gancore.interop.hub import HubGenerator", "")
    yield 'G = HubGenerator.from_pretrained("FOLDER")  # or owner/name'
    yield f"images = G(torch.randn(8, {G.z_dim}){_labels(shape.label_dim)})"
    yield from ("```", "", "`experiment.yaml` is the whole experiment; `gancore train experiment.yaml` repeats it.")


def _labels(label_dim: int) -> str:
    return f", torch.eye({label_dim})[torch.zeros(8, dtype=torch.long)]" if label_dim else ""


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
