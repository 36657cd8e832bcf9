"""Progressive GAN's TensorFlow pickles, by its own code and as StyleGAN's repository writes them.

Source: arXiv:1710.10196. Where upsampling and convolution are fused, the kernel is stored the other way round, in the
original code also with its channels exchanged. The discriminator has the outputs of a classifier beside its logit.
"""

from torch import Tensor

from gancore.contracts import Format, Interface
from gancore.interop.networks import Mapped, Network, Options, Snapshot, channels_of, style_discriminator
from gancore.interop.reading import Foreign
from gancore.interop.tensorflow import (
    CLASSES,
    TFNetwork,
    blocks_of,
    conv,
    dense,
    dense_layer,
    lod_of,
    networks_of,
    snapshot_of,
    stage_of,
    turned,
)

PGGAN: Options = {"gain": "weight", "resampling": "box", "resample_filter": None}


class PGGANTF(Format):
    """Plugin `pggan_tf`: (G, D, Gs) with `G_paper` and `D_paper`."""

    title = "Progressive GAN in TensorFlow"
    classes = CLASSES

    def recognises(self, head: Foreign) -> bool:
        networks = networks_of(head)
        return networks is not None and networks[2].function == "G_paper"

    def read(self, file: Foreign) -> Snapshot:
        return snapshot_of(file, generator_of, discriminator_of)


def generator_of(network: TFNetwork) -> Network:
    """A generator without styles. Raises CheckpointError."""
    network.only(use_wscale=(True,), use_leakyrelu=(True,))
    names, arguments = network.variables(), network.arguments
    sizes, mapped = blocks_of(names), Mapped()
    mapped["synthesis.b4.conv0.weight"] = names.take("4x4/Dense/weight", dense_layer)
    mapped["synthesis.b4.conv0.bias"] = names.take("4x4/Dense/bias")
    fused_up = exchanged if network.record.name == "tfutil.Network" else turned
    for size in sizes:
        at, ours = f"{size}x{size}", f"synthesis.b{size}"
        second = "Conv" if size == 4 else "Conv1"
        mapped[f"{ours}.conv1.weight"] = names.take(f"{at}/{second}/weight", conv)
        mapped[f"{ours}.conv1.bias"] = names.take(f"{at}/{second}/bias")
        if size > 4:
            fused = f"{at}/Conv0_up/weight" in names
            above = f"{at}/Conv0_up" if fused else f"{at}/Conv0"
            mapped[f"{ours}.conv0.weight"] = names.take(f"{above}/weight", fused_up if fused else conv)
            mapped[f"{ours}.conv0.bias"] = names.take(f"{above}/bias")
        rgb = f"ToRGB_lod{lod_of(size, sizes)}"
        mapped[f"{ours}.torgb.weight"] = names.take(f"{rgb}/weight", conv)
        mapped[f"{ours}.torgb.bias"] = names.take(f"{rgb}/bias")
    names.ignore("lod")
    names.done()
    label_dim = int(arguments.get("label_size", 0))
    eps = float(arguments.get("pixelnorm_epsilon", 1e-8))
    options: Options = {
        "use": "stack",
        "normalization": {"use": "pixel", "eps": eps} if arguments.get("use_pixelnorm", True) else "none",
        "z_dim": mapped["synthesis.b4.conv0.weight"].shape[1] - label_dim,
        "channels": channels_of([mapped[f"synthesis.b{size}.conv1.weight"].shape[0] for size in sizes]),
        "output": "tanh" if arguments.get("tanh_at_end") else "linear",
        **PGGAN,
        **({} if arguments.get("normalize_latents", True) else {"normalize_z": False}),
    }
    channels = mapped["synthesis.b4.torgb.weight"].shape[0]
    return Network(options, mapped, Interface(sizes[-1], channels, label_dim), stage_of(network.lod(), sizes[-1]))


def discriminator_of(network: TFNetwork) -> Network:
    """A discriminator. Raises CheckpointError."""
    network.only(use_wscale=(True,))
    names, mapped = network.variables(), Mapped()
    sizes = blocks_of(names)
    fused = any(name.endswith("Conv1_down/weight") for name in names)
    layers = [(f"FromRGB_lod{lod_of(size, sizes)}", f"b{size}.fromrgb") for size in sizes]
    for size in sizes[1:]:
        second = "Conv1_down" if fused else "Conv1"
        layers += [(f"{size}x{size}/Conv0", f"b{size}.conv0"), (f"{size}x{size}/{second}", f"b{size}.conv1")]
    layers += [("4x4/Conv", "b4.conv"), ("4x4/Dense0", "b4.fc"), ("4x4/Dense1", "b4.out")]
    for theirs, ours in layers:
        mapped[f"{ours}.weight"] = names.take(f"{theirs}/weight", dense if ours in ("b4.fc", "b4.out") else conv)
        mapped[f"{ours}.bias"] = names.take(f"{theirs}/bias")
    names.ignore("lod")
    names.done()
    label_dim = int(network.arguments.get("label_size", 0))
    labels: Options = {"labels": "auxiliary"} if label_dim else {}
    made = style_discriminator(
        mapped,
        "progressive",
        mbstd={"group_size": network.arguments.get("mbstd_group_size", 4)},
        label_dim=label_dim,
        halving="convolution" if fused else "average",
        **labels,
        **PGGAN,
    )
    made.stage = stage_of(network.lod(), sizes[-1])
    return made


def exchanged(x: Tensor) -> Tensor:
    """[k, k, out, in], flipped, to [out, in, k, k]."""
    return x.permute(2, 3, 0, 1).flip(2, 3)
