"""StyleGAN2's TensorFlow pickles, configurations E, F and the nine arms of table 2, and those of StyleGAN2-ADA.

Source: arXiv:1912.04958. The kernels of upsampling convolutions are stored the other way round, and biases of styles
without the 1 that is added to them. Labels are concatenated with the latent before both are normalized, or embedded and
normalized apart, as the name of the variable says.
"""

from gancore.contracts import Format
from gancore.interop.networks import Mapped, Names, Network, Options, Snapshot, style_discriminator, style_generator
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import (
    CLASSES,
    TFNetwork,
    averaged_mapping_of,
    blocks_of,
    conv,
    dense,
    first,
    networks_of,
    noise,
    snapshot_of,
    turned,
)
from gancore.interop.values import word

ARCHITECTURES = {"orig": "original", "skip": "skip", "resnet": "residual"}


class StyleGAN2TF(Format):
    """Plugin `stylegan2_tf`: (G, D, Gs) of networks that do not grow."""

    title = "StyleGAN2 in TensorFlow"
    classes = CLASSES

    def recognises(self, head: Foreign) -> bool:
        networks = networks_of(head)
        return networks is not None and networks[1].function in ("D_stylegan2", "D_main")

    def read(self, file: Foreign) -> Snapshot:
        return snapshot_of(file, generator_of, discriminator_of)


def generator_of(network: TFNetwork) -> Network:
    """A generator. Raises CheckpointError."""
    synthesis = network.component("synthesis")
    mapped, mapping = averaged_mapping_of(network)
    synthesis.only(nonlinearity=("lrelu",), fused_modconv=(True, False))
    names = synthesis.variables()
    mapped["synthesis.b4.const"] = names.take("4x4/Const/const", first)
    place = 0
    for size in blocks_of(names):
        block, at = f"{size}x{size}", f"synthesis.b{size}"
        for theirs, ours in (("Conv0_up", "conv0"), ("Conv1" if size > 4 else "Conv", "conv1")):
            if f"{block}/{theirs}/weight" not in names:
                continue
            layer = f"{block}/{theirs}"
            mapped[f"{at}.{ours}.weight"] = names.take(f"{layer}/weight", turned if ours == "conv0" else conv)
            mapped |= _styled(names, layer, f"{at}.{ours}")
            if f"{layer}/noise_strength" in names:
                mapped[f"{at}.{ours}.noise_strength"] = names.take(f"{layer}/noise_strength")
                mapped[f"{at}.{ours}.noise_const"] = names.take(f"noise{place}", noise)
            place += 1
        if f"{block}/ToRGB/weight" in names:
            mapped[f"{at}.torgb.weight"] = names.take(f"{block}/ToRGB/weight", conv)
            mapped |= _styled(names, f"{block}/ToRGB", f"{at}.torgb")
        if f"{block}/Skip/weight" in names:
            mapped[f"{at}.skip.weight"] = names.take(f"{block}/Skip/weight", conv)
    names.ignore("lod")
    names.done()
    use = ARCHITECTURES.get(word(network.arguments.get("architecture", "skip")))
    return style_generator(mapped, use, mapping=mapping, style_bias="around_start", **_convolutions(network))


def discriminator_of(network: TFNetwork) -> Network:
    """A discriminator. Raises CheckpointError."""
    network.only(nonlinearity=("lrelu",), mapping_lrmul=(0.01,))
    names, mapped = network.variables(), Mapped()
    for size in blocks_of(names):
        block = f"{size}x{size}"
        for theirs, ours in (("FromRGB", "fromrgb"), ("Conv0", "conv0"), ("Conv1_down", "conv1"), ("Conv", "conv")):
            if f"{block}/{theirs}/weight" in names:
                mapped[f"b{size}.{ours}.weight"] = names.take(f"{block}/{theirs}/weight", conv)
                mapped[f"b{size}.{ours}.bias"] = names.take(f"{block}/{theirs}/bias")
        if f"{block}/Skip/weight" in names:
            mapped[f"b{size}.skip.weight"] = names.take(f"{block}/Skip/weight", conv)
    for theirs, ours in (("4x4/Dense0", "b4.fc"), ("Output", "b4.out")):
        mapped[f"{ours}.weight"] = names.take(f"{theirs}/weight", dense)
        mapped[f"{ours}.bias"] = names.take(f"{theirs}/bias")
    options = _convolutions(network) | {"mbstd": {"group_size": network.arguments.get("mbstd_group_size", 4)}}
    if "LabelEmbed/weight" in names:
        mapped["mapping.embed.weight"] = names.take("LabelEmbed/weight", dense)
        mapped["mapping.embed.bias"] = names.take("LabelEmbed/bias")
        for i in range(sum(name.startswith("Mapping") and name.endswith("/weight") for name in names)):
            mapped[f"mapping.fc{i}.weight"] = names.take(f"Mapping{i}/weight", dense)
            mapped[f"mapping.fc{i}.bias"] = names.take(f"Mapping{i}/bias")
    names.ignore("lod")
    names.done()
    use = ARCHITECTURES.get(word(network.arguments.get("architecture", "resnet")))
    return style_discriminator(mapped, use, **options)


def _styled(names: Names, theirs: str, ours: str) -> Mapped:
    return {
        f"{ours}.affine.weight": names.take(f"{theirs}/mod_weight", dense),
        f"{ours}.affine.bias": names.take(f"{theirs}/mod_bias"),
        f"{ours}.bias": names.take(f"{theirs}/bias"),
    }


def _convolutions(network: TFNetwork) -> Options:
    clamp, taps = network.arguments.get("conv_clamp"), network.arguments.get("resample_kernel", [1, 3, 3, 1])
    return {
        "resample_filter": [float(tap) for tap in taps],
        "conv_clamp": None if clamp is None else float(clamp),
    }
