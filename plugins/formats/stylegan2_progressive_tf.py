"""StyleGAN2's TensorFlow pickles of configurations B to D: weight demodulation in networks that grow.

Source: arXiv:1912.04958, table 1. Images change their size by a 2x2 box, layers by an FIR filter.
"""

from gancore.contracts import Format
from gancore.interop.networks import Mapped, Network, Options, Snapshot, style_discriminator, style_generator
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import (
    CLASSES,
    TFNetwork,
    averaged_mapping_of,
    blocks_of,
    conv,
    dense,
    first,
    lod_of,
    networks_of,
    noise,
    snapshot_of,
    stage_of,
    turned,
)


class StyleGAN2ProgressiveTF(Format):
    """Plugin `stylegan2_progressive_tf`: (G, D, Gs) with `D_stylegan`."""

    title = "StyleGAN2, configurations B to D, in TensorFlow"
    classes = CLASSES

    def recognises(self, head: Foreign) -> bool:
        networks = networks_of(head)
        return networks is not None and networks[1].function == "D_stylegan" and networks[2].function == "G_main"

    def read(self, file: Foreign) -> Snapshot:
        return snapshot_of(file, generator_of, discriminator_of)


def generator_of(network: TFNetwork) -> Network:
    """A generator. Raises CheckpointError."""
    synthesis = network.component("synthesis")
    synthesis.only(nonlinearity=("lrelu",), fused_modconv=(True, False))
    mapped, mapping = averaged_mapping_of(network)
    names = synthesis.variables()
    sizes = blocks_of(names)
    mapped["synthesis.b4.const"] = names.take("4x4/Const/const", first)
    layers = [("4x4/Conv", "synthesis.b4.conv1")]
    for size in sizes[1:]:
        layers += [
            (f"{size}x{size}/Conv0_up", f"synthesis.b{size}.conv0"),
            (f"{size}x{size}/Conv1", f"synthesis.b{size}.conv1"),
        ]
    for i, (theirs, ours) in enumerate(layers):
        mapped[f"{ours}.weight"] = names.take(f"{theirs}/weight", turned if ours.endswith("conv0") else conv)
        mapped[f"{ours}.noise_strength"] = names.take(f"{theirs}/noise_strength")
        mapped[f"{ours}.noise_const"] = names.take(f"noise{i}", noise)
    painted = [size for size in sizes if f"ToRGB_lod{lod_of(size, sizes)}/weight" in names]
    for size in painted:
        theirs, ours = f"ToRGB_lod{lod_of(size, sizes)}", f"synthesis.b{size}.torgb"
        mapped[f"{ours}.weight"] = names.take(f"{theirs}/weight", conv)
        layers.append((theirs, ours))
    for theirs, ours in layers:
        mapped[f"{ours}.affine.weight"] = names.take(f"{theirs}/mod_weight", dense)
        mapped[f"{ours}.affine.bias"] = names.take(f"{theirs}/mod_bias")
        mapped[f"{ours}.bias"] = names.take(f"{theirs}/bias")
    names.ignore("lod")
    names.done()
    use = "progressive" if painted == sizes else "original"
    made = style_generator(mapped, use, mapping=mapping, style_bias="around_start", **_convolutions(network))
    made.stage = stage_of(network.lod(), sizes[-1]) if painted == sizes else None
    return made


def discriminator_of(network: TFNetwork) -> Network:
    """A discriminator. Raises CheckpointError."""
    network.only(nonlinearity=("lrelu",))
    names, mapped = network.variables(), Mapped()
    sizes = blocks_of(names)
    entered = [size for size in sizes if f"FromRGB_lod{lod_of(size, sizes)}/weight" in names]
    layers = [(f"FromRGB_lod{lod_of(size, sizes)}", f"b{size}.fromrgb") for size in entered]
    for size in sizes[1:]:
        layers += [(f"{size}x{size}/Conv0", f"b{size}.conv0"), (f"{size}x{size}/Conv1_down", f"b{size}.conv1")]
    layers += [("4x4/Conv", "b4.conv"), ("4x4/Dense0", "b4.fc"), ("Output", "b4.out")]
    for theirs, ours in layers:
        mapped[f"{ours}.weight"] = names.take(f"{theirs}/weight", dense if ours in ("b4.fc", "b4.out") else conv)
        mapped[f"{ours}.bias"] = names.take(f"{theirs}/bias")
    names.ignore("lod")
    names.done()
    label_dim = int(network.arguments.get("label_size", 0))
    use = "progressive" if entered == sizes else "original"
    mbstd = {"group_size": network.arguments.get("mbstd_group_size", 4)}
    labels: Options = {"labels": "output"} if label_dim else {}
    made = style_discriminator(mapped, use, mbstd=mbstd, label_dim=label_dim, **labels, **_convolutions(network))
    made.stage = stage_of(network.lod(), sizes[-1]) if entered == sizes else None
    return made


def _convolutions(network: TFNetwork) -> Options:
    taps = network.arguments.get("resample_kernel", [1, 3, 3, 1])
    return {"resample_filter": [float(tap) for tap in taps], "image_resampling": "box"}
