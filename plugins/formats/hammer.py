"""StyleGAN2 checkpoints of Hammer, whose files contain the arguments of the networks.

Source of the networks: arXiv:1912.04958, arXiv:2006.06676. Weights are stored as ours are, biases of styles with the 1
that belongs to them.
"""

from typing import Any

from gancore.contracts import Format
from gancore.errors import CheckpointError
from gancore.interop.networks import (
    Mapped,
    Names,
    Network,
    Options,
    Snapshot,
    snapshot_of,
    style_discriminator,
    style_generator,
    taps_of,
)
from gancore.interop.numbered import dense_layers, discriminator_places, generator_places, placed
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import first, noise
from gancore.interop.values import entries, word

LEAVES = {
    "weight": "weight",
    "bias": "bias",
    "style.weight": "affine.weight",
    "style.bias": "affine.bias",
    "noise_strength": "noise_strength",
    "noise": "noise_const",
}


class Hammer(Format):
    """Plugin `hammer`: models with the arguments of their constructors."""

    title = "Hammer"

    def recognises(self, head: Foreign) -> bool:
        return "model_kwargs_init" in head.keys and "models" in head.keys

    def read(self, file: Foreign) -> Snapshot:
        contents = entries(file.contents)
        arguments = entries(contents["model_kwargs_init"])

        def given(name: str) -> dict[Any, Any]:
            found = dict(entries(arguments.get(name)) or entries(arguments.get("generator")))
            kind = word(found.get("model_type", ""))
            if not kind.startswith("StyleGAN2"):
                raise CheckpointError(f"has a {kind[:40] or 'network without a type'}, and only StyleGAN2 is supported")
            return found

        names = "models.generator_smooth", "models.generator", "models.discriminator"
        snapshot = snapshot_of(
            file.arrays,
            names,
            lambda names: generator_of(names, given(names.what.rpartition(".")[2])),
            lambda names, generator: discriminator_of(names, given("discriminator")),
        )
        seen = entries(contents.get("running_metadata")).get("seen_img")
        if isinstance(seen, int):
            snapshot.facts["kimg"] = seen / 1000
        return snapshot


def generator_of(names: Names, given: dict[Any, Any]) -> Network:
    """A generator. Raises CheckpointError."""
    _only(given, demodulate=(True,), final_tanh=(False,), normalize_embedding_latent=(False,), use_wscale=(True,))
    mapped = dense_layers(names)
    for theirs, ours in (
        ("w_avg", "w_avg"),
        ("mapping.embedding.weight", "embed.weight"),
        ("mapping.embedding.bias", "embed.bias"),
    ):
        if theirs in names:
            mapped[f"mapping.{ours}"] = names.take(theirs)
    mapped["synthesis.b4.const"] = names.take("synthesis.early_layer.const", first)
    mapped |= placed(names, generator_places(names, "synthesis.", 1), LEAVES, "synthesis.", "synthesis.")
    for name in mapped:
        if name.endswith("noise_const"):
            mapped[name] = mapped[name].then(noise)
    use = {"origin": "original", "skip": "skip", "resnet": "residual"}.get(word(given.get("architecture", "skip")))
    mapping = {"lr_multiplier": float(given.get("mapping_lr_mul", 0.01))}
    return style_generator(mapped, use, mapping=mapping, **_convolutions(names, given))


def discriminator_of(names: Names, given: dict[Any, Any]) -> Network:
    """A discriminator. Raises CheckpointError."""
    _only(given, use_wscale=(True,))
    mapped: Mapped = dense_layers(names, "mapping", "mapping.fc")
    for leaf in ("weight", "bias"):
        if f"embedding.{leaf}" in names:
            mapped[f"mapping.embed.{leaf}"] = names.take(f"embedding.{leaf}")
    mapped |= placed(names, discriminator_places(names), LEAVES)
    use = {"origin": "original", "skip": "skip", "resnet": "residual"}.get(word(given.get("architecture", "resnet")))
    options = _convolutions(names, given)
    if "mapping_lr_mul" in given:
        options["mapping"] = {"lr_multiplier": float(given["mapping_lr_mul"])}
    return style_discriminator(mapped, use, mbstd={"group_size": given.get("mbstd_groups", 4)}, **options)


def _convolutions(names: Names, given: dict[Any, Any]) -> Options:
    kernel = next((names.array(name) for name in names if name.endswith("filter")), None)
    names.ignore("filter")
    names.done()
    clamp = given.get("conv_clamp")
    options: Options = {"conv_clamp": None if clamp is None else float(clamp)}
    if kernel is not None:
        options["resample_filter"] = taps_of(kernel.tensor())
    return options


def _only(given: dict[Any, Any], **known: Any) -> None:
    """Raises CheckpointError if an argument has a value that no network of gancore supports."""
    for name, values in known.items():
        if name in given and given[name] not in values:
            raise CheckpointError(f"has {name} = {word(given[name])}, which gancore's networks do not support")
