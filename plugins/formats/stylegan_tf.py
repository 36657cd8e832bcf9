"""StyleGAN's TensorFlow pickles, also as configuration A of StyleGAN2's code.

Source: arXiv:1812.04948. Networks that grow: `lod` says how many levels of detail are missing. Where upsampling and
convolution were fused, the kernel is stored the other way round. The tuned baseline, which has neither styles nor a
mapping network, is a stack of convolutions.
"""

from gancore.contracts import Format, Interface
from gancore.errors import CheckpointError
from gancore.interop.networks import (
    Mapped,
    Network,
    Options,
    Snapshot,
    channels_of,
    style_discriminator,
    style_generator,
)
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import (
    CLASSES,
    TFNetwork,
    averaged_mapping_of,
    blocks_of,
    conv,
    dense,
    dense_layer,
    first,
    is_fused,
    lod_of,
    networks_of,
    noise,
    snapshot_of,
    stage_of,
    turned,
)

NORMALIZATIONS = {(False, True): "adain", (True, False): "pixel", (False, False): "none"}
"""Whether layers have pixel norm and instance norm, to the normalization before the style."""

V1: Options = {"gain": "weight", "resampling": "box"}


class StyleGANTF(Format):
    """Plugin `stylegan_tf`: (G, D, Gs) with `G_style` and `D_basic`."""

    title = "StyleGAN in TensorFlow"
    classes = CLASSES

    def recognises(self, head: Foreign) -> bool:
        networks = networks_of(head)
        return networks is not None and networks[2].function == "G_style"

    def read(self, file: Foreign) -> Snapshot:
        return snapshot_of(file, generator_of, discriminator_of)


def generator_of(network: TFNetwork) -> Network:
    """A generator with styles, or the tuned baseline. Raises CheckpointError."""
    synthesis = network.component("synthesis")
    synthesis.only(nonlinearity=("lrelu",), use_wscale=(True,), structure=("auto", "fixed", "linear", "recursive"))
    if not synthesis.arguments.get("use_styles", True):
        return _baseline(network, synthesis)
    statistics = synthesis.arguments.get("use_pixel_norm", False), synthesis.arguments.get("use_instance_norm", True)
    if statistics not in NORMALIZATIONS:
        raise CheckpointError("has pixel and instance norm in one layer, which gancore's networks do not support")
    mapped, mapping = averaged_mapping_of(network)
    names, arguments = synthesis.variables(), synthesis.arguments
    sizes = blocks_of(names)
    layers = [
        ("4x4/Const" if "4x4/Const/bias" in names else "4x4/Dense", "synthesis.b4.const_layer"),
        ("4x4/Conv", "synthesis.b4.conv1"),
    ]
    for size in sizes[1:]:
        layers += [
            (f"{size}x{size}/Conv0_up", f"synthesis.b{size}.conv0"),
            (f"{size}x{size}/Conv1", f"synthesis.b{size}.conv1"),
        ]
    if "4x4/Const/const" in names:
        mapped["synthesis.b4.const"] = names.take("4x4/Const/const", first)
    else:
        mapped["synthesis.b4.dense.weight"] = names.take("4x4/Dense/weight", dense)
    for i, (theirs, ours) in enumerate(layers):
        if i:
            fused = ours.endswith("conv0") and is_fused(arguments, int(theirs.partition("x")[0]), "auto")
            mapped[f"{ours}.weight"] = names.take(f"{theirs}/weight", turned if fused else conv)
        mapped[f"{ours}.bias"] = names.take(f"{theirs}/bias")
        mapped[f"{ours}.affine.weight"] = names.take(f"{theirs}/StyleMod/weight", dense)
        mapped[f"{ours}.affine.bias"] = names.take(f"{theirs}/StyleMod/bias")
        if f"{theirs}/Noise/weight" in names:
            mapped[f"{ours}.noise_strength"] = names.take(f"{theirs}/Noise/weight")
            mapped[f"{ours}.noise_const"] = names.take(f"noise{i}", noise)
    painted = [size for size in sizes if f"ToRGB_lod{lod_of(size, sizes)}/weight" in names]
    for size in painted:
        for leaf, change in (("weight", conv), ("bias", None)):
            theirs = f"ToRGB_lod{lod_of(size, sizes)}/{leaf}"
            mapped[f"synthesis.b{size}.torgb.{leaf}"] = names.take(theirs, change)
    names.ignore("lod")
    names.done()
    made = style_generator(
        mapped,
        "progressive" if painted == sizes else "original",
        normalization=NORMALIZATIONS[statistics],
        mapping=mapping,
        const="ones" if "4x4/Const/const" in names else "latent",
        const_layer=True,
        style_bias="around_start",
        torgb_modulated=False,
        **_blurred(arguments),
    )
    made.stage = stage_of(network.lod(), sizes[-1]) if painted == sizes else None
    return made


def discriminator_of(network: TFNetwork) -> Network:
    """A discriminator. Raises CheckpointError."""
    network.only(nonlinearity=("lrelu",), use_wscale=(True,), structure=("auto", "fixed", "linear", "recursive"))
    names, mapped = network.variables(), Mapped()
    sizes = blocks_of(names)
    entered = [size for size in sizes if f"FromRGB_lod{lod_of(size, sizes)}/weight" in names]
    for size in entered:
        for leaf, change in (("weight", conv), ("bias", None)):
            mapped[f"b{size}.fromrgb.{leaf}"] = names.take(f"FromRGB_lod{lod_of(size, sizes)}/{leaf}", change)
    for size in sizes[1:]:
        for theirs, ours in (("Conv0", "conv0"), ("Conv1_down", "conv1")):
            mapped[f"b{size}.{ours}.weight"] = names.take(f"{size}x{size}/{theirs}/weight", conv)
            mapped[f"b{size}.{ours}.bias"] = names.take(f"{size}x{size}/{theirs}/bias")
    for theirs, ours in (("Conv", "conv"), ("Dense0", "fc"), ("Dense1", "out")):
        mapped[f"b4.{ours}.weight"] = names.take(f"4x4/{theirs}/weight", conv if ours == "conv" else dense)
        mapped[f"b4.{ours}.bias"] = names.take(f"4x4/{theirs}/bias")
    names.ignore("lod")
    names.done()
    label_dim = int(network.arguments.get("label_size", 0))
    made = style_discriminator(
        mapped,
        "progressive" if entered == sizes else "original",
        mbstd={"group_size": network.arguments.get("mbstd_group_size", 4)},
        label_dim=label_dim,
        **({"labels": "output"} if label_dim else {}),
        **_blurred(network.arguments),
    )
    made.stage = stage_of(network.lod(), sizes[-1]) if entered == sizes else None
    return made


def _baseline(network: TFNetwork, synthesis: TFNetwork) -> Network:
    """The generator without styles, noise and mapping: PGGAN's with a blur."""
    synthesis.only(use_noise=(False,), const_input_layer=(False,), use_instance_norm=(False,))
    names, arguments = synthesis.variables(), synthesis.arguments
    if network.component("mapping").variables().arrays:
        raise CheckpointError("has a mapping network without styles, which gancore's networks do not support")
    network.component("mapping").only(normalize_latents=(True,))
    sizes = blocks_of(names)
    mapped: Mapped = {"synthesis.b4.conv0.weight": names.take("4x4/Dense/weight", dense_layer)}
    mapped["synthesis.b4.conv0.bias"] = names.take("4x4/Dense/bias")
    layers = [("4x4/Conv", "synthesis.b4.conv1", False)]
    for size in sizes[1:]:
        layers += [
            (f"{size}x{size}/Conv0_up", f"synthesis.b{size}.conv0", is_fused(arguments, size, "auto")),
            (f"{size}x{size}/Conv1", f"synthesis.b{size}.conv1", False),
        ]
    for theirs, ours, fused in layers:
        mapped[f"{ours}.weight"] = names.take(f"{theirs}/weight", turned if fused else conv)
        mapped[f"{ours}.bias"] = names.take(f"{theirs}/bias")
    for size in sizes:
        for leaf, change in (("weight", conv), ("bias", None)):
            theirs = f"ToRGB_lod{lod_of(size, sizes)}/{leaf}"
            mapped[f"synthesis.b{size}.torgb.{leaf}"] = names.take(theirs, change)
    names.ignore("lod")
    names.done()
    widths = [mapped[f"synthesis.b{size}.conv1.weight"].shape[0] for size in sizes]
    options: Options = {
        "use": "stack",
        "normalization": "pixel" if arguments.get("use_pixel_norm") else "none",
        "z_dim": mapped["synthesis.b4.conv0.weight"].shape[1],
        "channels": channels_of(widths),
        **_blurred(arguments),
    }
    channels = mapped["synthesis.b4.torgb.weight"].shape[0]
    return Network(options, mapped, Interface(sizes[-1], channels), stage_of(network.lod(), sizes[-1]))


def _blurred(arguments: Options) -> Options:
    taps = arguments.get("blur_filter", [1, 2, 1])
    return {**V1, "resample_filter": [float(tap) for tap in taps] if taps else None}
