"""The page: controls beside the pictures of all models. What it shows comes from `Explored` and `Projector`."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from PIL import Image
from torch import Tensor

from gancore.analysis.figures.grid import as_pixels
from gancore.analysis.figures.write import drawn
from gancore.errors import GancoreError
from gancore.explore.explored import Explored
from gancore.explore.look import Look, look_of, vector_of
from gancore.explore.projecting import MOST_STEPS, Projector
from gancore.nn.pretrained import package

CSS = """
.picture .image-container > button, .picture .image-frame { width: 100%; }
.picture img {
  image-rendering: pixelated; width: 100% !important; height: auto !important; object-fit: contain !important;
}
.seen { position: sticky; top: 8px; align-self: flex-start; }
.absent { color: var(--body-text-color-subdued); font-size: var(--text-sm); }
"""

SHOWN_EVERY = 5
"""Steps of a projection between two updates of the page."""

DIRECTIONS = 32
"""Most directions that can be chosen."""

Values = Mapping[Any, Any]
"""What a browser sent, by component."""


class Page:
    """The blocks of a page on some models, with one look for all of them.

    projectors: one for each model. Raises GancoreError if gradio is not installed.
    """

    def __init__(self, models: Sequence[Explored], projectors: Sequence[Projector]) -> None:
        self.gr = package("gradio", "explore")
        self.models, self.projectors = models, projectors
        self.controls: dict[str, Any] = {}
        """By the name of a field of `Look`, or of a value that `look` makes one of."""
        names = ", ".join(model.name for model in models)
        gr = self.gr
        with gr.Blocks(title=f"gancore: {names}", analytics_enabled=False, delete_cache=(600, 600)) as self.blocks:
            gr.Markdown(f"## {escape(names)}")
            with gr.Row():
                with gr.Column(scale=3, elem_classes="seen"):
                    self._outputs()
                with gr.Column(scale=2, min_width=480):
                    for title, tab in (
                        ("Sample", self._sample_tab),
                        ("Styles", self._styles_tab),
                        ("Noise", self._noise_tab),
                        ("Layers", self._layers_tab),
                        ("Project", self._project_tab),
                    ):
                        with gr.Tab(title):
                            tab()
            self._wire()

    def _outputs(self) -> None:
        gr = self.gr
        with gr.Row():
            self.pictures = [self._image(model.name, f"picture-{i}") for i, model in enumerate(self.models)]
        self.message = gr.Markdown(elem_id="message")
        self.command = gr.Markdown(elem_id="command")
        self.maps = [
            gr.Image(
                label=f"{model.name}: layer",
                show_label=False,
                format="png",
                interactive=False,
                elem_id=f"map-{i}",
                visible=False,
                buttons=["download", "fullscreen"],
            )
            for i, model in enumerate(self.models)
        ]

    def _image(self, label: str, elem_id: str) -> Any:
        return self.gr.Image(
            label=label, format="png", type="pil", interactive=False, elem_id=elem_id, elem_classes="picture",
            buttons=["download"],
        )  # fmt: skip

    def _sample_tab(self) -> None:
        gr, most = self.gr, max(model.generator.num_ws for model in self.models)
        self._control("seed", gr.Number(0, label="Seed", info="that of gancore sample --seeds", precision=0, minimum=0))
        self._control("other", gr.Number(1, label="Second seed", precision=0, minimum=0))
        if self._offered("crossover", "Crossover"):
            info = f"the first w of the second seed; before it, coarse layers have the first seed's; {most}: all have"
            self._control("crossover", self._slider("Crossover", 0, most, most, 1, info))
        start = 1.0 if "crossover" in self.controls else 0.0
        self._control("blend", self._slider("Blend", 0, 1, start, 0.01, "how much of the second seed"))
        if self._offered("truncation", "Truncation"):
            info = "1: none; 0: the average image; below: the opposite"
            self._control("truncation_psi", self._slider("Truncation psi", -1, 1.5, 1.0, 0.01, info))
        if self._offered("label", "Label"):
            self._control("label", gr.Dropdown(self._labels(), value=0, label="Label"))
            info = f"numbers in place of the label: {self.models[0].generator.interface.label_dim or 'several'} of them"
            self._control("label_vector", gr.Textbox("", label="Label vector", info=info))

    def _labels(self) -> list[tuple[str, int]]:
        """Names of classes, or numbers, of the model that has most."""
        G = max((model.generator for model in self.models), key=lambda G: G.label_count)
        word = "class" if G.examples is None else "example"
        return [(G.class_names[i] if i < len(G.class_names) else f"{word} {i}", i) for i in range(G.label_count)]

    def _styles_tab(self) -> None:
        gr = self.gr
        if not self._offered("styles", "Styles"):
            return
        last = max(model.generator.num_ws for model in self.models) - 1
        most = min(max(model.generator.w_dim for model in self.models), DIRECTIONS)
        info = "factorized: of the style weights; principal: of w. The analysis `directions` computes them."
        self._control("kind", gr.Radio(["factorized", "principal"], value="factorized", label="Directions", info=info))
        self._control("number", self._slider("Direction", 1, most, 1, 1, "the strongest first"))
        self._control("amount", self._slider("Amount", -5, 5, 0, 0.05, "in steps of length 1, or in deviations of w"))
        if last:
            self._control("first", self._slider("First w", 0, last, 0, 1, "0: the coarsest layer"))
            self._control("last", self._slider("Last w", 0, last, last, 1, "layers from the first to the last w move"))
        self.kept = gr.State([])
        self.kept_text = gr.Markdown()
        with gr.Row():
            self.keep = gr.Button("Keep this step", size="sm", elem_id="keep")
            self.forget = gr.Button("Forget all", size="sm", elem_id="forget")

    def _noise_tab(self) -> None:
        gr = self.gr
        if not self._offered("noise", "Noise"):
            return
        ways = [("stored with the model", "const"), ("drawn from the seed", "random"), ("none", "none")]
        self._control("noise_mode", gr.Radio(ways, value="const", label="Noise"))
        if self._offered("noise by layer", "Noise by layer"):
            layers = list(dict.fromkeys(name for model in self.models for name in model.noise_layers))
            self._control("noisy", gr.CheckboxGroup(layers, value=layers, label="Layers with noise"))

    def _layers_tab(self) -> None:
        if self._offered("layers", "Layers"):
            layers = list(dict.fromkeys(name for model in self.models for name in model.layers))
            info = (
                "magnitude of its activations, with the droplet score: peak over median times channels that peak there"
            )
            choices = [("none", ""), *((name, name) for name in layers)]
            self._control("layer", self.gr.Dropdown(choices, value="", label="Layer", info=info))

    def _project_tab(self) -> None:
        gr = self.gr
        self.upload = gr.File(label="Image", file_types=["image"], type="binary", elem_id="upload", height=120)
        names = [model.name for model in self.models]
        self.which = gr.Radio(names, value=names[0], label="Model", type="index", visible=len(names) > 1)
        self.steps = self._slider("Steps", 10, 1000, 200, 10, "published: 1000")
        self.steps.elem_id = "steps"
        spaces = [("one w for all layers", "w"), ("one for each (w+)", "w+")]
        self.space = gr.Radio(spaces, value="w", label="Space", visible="crossover" in self.controls)
        with gr.Row():
            self.start = gr.Button("Project", variant="primary", elem_id="project")
            self.stop = gr.Button("Stop", elem_id="stop")
        self.progress = gr.HTML(elem_id="progress")
        with gr.Row():
            self.target, self.found = self._image("Image", "target"), self._image("Projection", "found")
        self.target_state, self.projected = gr.State(None), gr.State({})
        info = "with the noise that the Noise tab says, not that of the projection"
        self._control("from_image", gr.Checkbox(False, label="Use it in place of the first seed", info=info))

    def _control(self, name: str, component: Any) -> None:
        component.elem_id = name.replace("_", "-")
        self.controls[name] = component

    def _slider(self, label: str, low: float, high: float, value: float, step: float, info: str) -> Any:
        return self.gr.Slider(low, high, value, step=step, label=label, info=info)

    def _offered(self, control: str, title: str) -> bool:
        """Whether any model has something; of those that have not, the reason is put on the page."""
        reasons = {model.name: model.absent[control] for model in self.models if control in model.absent}
        if reasons:
            lines = "; ".join(f"not offered by {name}: {reason}" for name, reason in reasons.items())
            self.gr.Markdown(f"{title}: {escape(lines)}", elem_classes="absent")
        return len(reasons) < len(self.models)

    def _wire(self) -> None:
        gr, private = self.gr, {"api_visibility": "private", "show_progress": "hidden"}
        shown = [*self.pictures, *self.maps, self.message, self.command]
        states = {self.projected} | ({self.kept} if "amount" in self.controls else set())
        inputs = {*self.controls.values(), *states}
        # one event for all: the last change wins, in any order of arrival
        changes = [component.change for component in inputs]
        gr.on([self.blocks.load, *changes], self.show, inputs, shown, trigger_mode="always_last", **private)
        if "amount" in self.controls:
            kept = [self.kept, self.kept_text, self.controls["amount"]]
            self.keep.click(self.keep_step, inputs, kept, **private)
            self.forget.click(lambda: ([], "", 0), None, kept, **private)
        found = [self.target_state, self.target, self.progress]
        gr.on([self.upload.change, self.which.change], self.read, [self.upload, self.which], found, **private)
        asked = [self.target_state, self.which, self.steps, self.space, self.projected]
        results = [self.found, self.progress, self.projected, self.controls["from_image"]]
        running = self.start.click(self.project, asked, results, **private)
        self.stop.click(lambda: "Stopped.", None, self.progress, cancels=[running], **private)

    def look(self, values: Values) -> Look:
        """The look of the controls. Raises GancoreError for a value that is none."""
        v = {name: values[control] for name, control in self.controls.items()}
        edits = list(values[self.kept]) if "amount" in v else []
        if v.get("amount"):
            edits.append(self._step(v))
        known = {name: v[name] for name in Look.model_fields if name in v}
        if "noisy" in v:
            known["silent"] = {name for model in self.models for name in model.noise_layers} - set(v["noisy"])
        return look_of({**known, "label_vector": vector_of(v.get("label_vector") or ""), "edits": edits})

    def _step(self, v: Mapping[str, Any]) -> dict[str, Any]:
        return {name: v.get(name, 0) for name in ("kind", "number", "amount", "first", "last")}

    def show(self, values: Values) -> list[Any]:
        """All pictures and layers, a message where there is none, and the command that makes the same."""
        gr, n = self.gr, len(self.models)
        try:
            look = self.look(values)
            layer = values[self.controls["layer"]] if "layer" in self.controls else ""
            given = values[self.projected] if values[self.controls["from_image"]] else {}
            images = [model.picture(model.suited(look), given.get(i)) for i, model in enumerate(self.models)]
            maps = [self._map(i, look, layer, images[i], given.get(i)) for i in range(n)]
        except GancoreError as error:
            return [*(gr.skip() for _ in range(2 * n)), f"**{escape(str(error))}**", gr.skip()]
        command = "" if given else self.models[0].command(self.models[0].suited(look))
        return [*map(picture, images), *maps, "", f"The same by `{command}`" if command else ""]

    def _map(self, i: int, look: Look, layer: str, image: Tensor, ws: Tensor | None) -> Any:
        if not layer or layer not in self.models[i].layers:
            return self.gr.update(visible=False)
        found = self.models[i].layer_map(self.models[i].suited(look), layer, ws)
        return self.gr.update(value=drawn(found.figure(image)).png(), visible=True)

    def keep_step(self, values: Values) -> list[Any]:
        """Adds the step of the controls to those that are kept, and sets its amount to 0."""
        v = {name: values[control] for name, control in self.controls.items()}
        kept = [*values[self.kept], *([self._step(v)] if v["amount"] else [])]
        lines = (f"{e['kind']} {e['number']}: {e['amount']:+g}, ws {e['first']} to {e['last']}" for e in kept)
        return [kept, "\n".join(f"* {line}" for line in lines), 0]

    def read(self, content: bytes | None, which: int) -> list[Any]:
        """An upload as the image that is projected, or a message."""
        if content is None:
            return [None, None, ""]
        try:
            target = self.projectors[which].target(content)
        except GancoreError as error:
            return [None, None, f"<strong>This file: {escape(str(error))}</strong>"]
        return [target, picture(target), "Ready."]

    def project(
        self, target: Tensor | None, which: int, steps: int, space: Any, projected: dict[int, Tensor]
    ) -> Iterator[list[Any]]:
        """The image and the distance every few steps; in the end its ws, in place of the first seed."""
        skip = self.gr.skip()
        if target is None:
            yield [skip, "<strong>Choose an image first.</strong>", skip, skip]
            return
        try:
            walk = self.projectors[which].steps(target, min(int(steps), MOST_STEPS), space)
            for found in walk:
                last = found.step == steps - 1
                if found.step % SHOWN_EVERY == 0 or last:
                    seen = self.projectors[which].subject.looked_through
                    text = f"step {found.step + 1} of {steps}, distance {float(found.distance):.4g} ({escape(seen)})"
                    bar = f'<progress value="{found.step + 1}" max="{steps}"></progress> {text}'
                    end = [{**projected, which: found.ws.cpu()}, True] if last else [skip, skip]
                    yield [picture(found.image), bar, *end]
        except GancoreError as error:
            yield [skip, f"<strong>{escape(str(error))}</strong>", skip, skip]


def picture(image: Tensor) -> Image.Image:
    """[C, R, R], nominal range [-1, 1], pixel for pixel as `gancore sample` writes it."""
    pixels = as_pixels(image)
    return Image.fromarray(pixels.squeeze(-1) if pixels.shape[2] == 1 else pixels)
