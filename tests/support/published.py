"""Our networks from the constructor arguments of the published StyleGAN2 code, as golden sidecars give them.

Every argument is translated; one that is not known is an error, not something to pass over.
"""

from typing import Any

import torch
from support.golden_cases import Case
from torch import Tensor, nn

from gancore.contracts import Discriminator, Generator, Interface, PluginConfig
from gancore.nn.mapping import LabelMappingConfig, MappingConfig, MappingNetwork
from gancore_plugins.discriminators import original as d_original
from gancore_plugins.discriminators import residual as d_residual
from gancore_plugins.discriminators import skip as d_skip
from gancore_plugins.generators import original as g_original
from gancore_plugins.generators import residual as g_residual
from gancore_plugins.generators import skip as g_skip
from gancore_plugins.normalization.demod import Demod
from gancore_plugins.normalization.none import NoNormalization

GENERATORS: dict[str, type[Generator]] = {
    "orig": g_original.Original,
    "skip": g_skip.Skip,
    "resnet": g_residual.Residual,
}
DISCRIMINATORS: dict[str, type[Discriminator]] = {
    "orig": d_original.Original,
    "skip": d_skip.Skip,
    "resnet": d_residual.Residual,
}
MAPPING = {"num_layers": "layers", "layer_features": "features", "embed_features": "embed_features",
           "lr_multiplier": "lr_multiplier", "w_avg_beta": "w_avg_decay"}  # fmt: skip
ONLY_SPEED = {"num_fp16_res", "fp16_channels_last", "fused_modconv_default", "channels_last"}
"""Arguments without an effect on values on the CPU, where the published code computes in float32."""


class Kwargs:
    """Arguments that are taken one by one; `done` fails when some are left."""

    def __init__(self, kwargs: dict[str, Any]) -> None:
        self.left = {k: v for k, v in kwargs.items() if k not in ONLY_SPEED}

    def take(self, name: str, default: Any = None) -> Any:
        return self.left.pop(name, default)

    def renamed(self, names: dict[str, str]) -> dict[str, Any]:
        taken = {ours: self.left.pop(theirs) for theirs, ours in names.items() if theirs in self.left}
        return {name: value for name, value in taken.items() if value is not None}

    def done(self) -> None:
        assert self.take("activation", "lrelu") == "lrelu", "only leaky ReLU is known"
        assert not self.left, f"unknown arguments {self.left}"


def mapping_config(kwargs: dict[str, Any] | None, labels_only: bool = False) -> LabelMappingConfig:
    given = Kwargs({"num_layers": 8, **({} if labels_only else {"w_avg_beta": 0.998}), **(kwargs or {})})
    options = given.renamed(MAPPING)
    given.done()
    return (LabelMappingConfig if labels_only else MappingConfig)(**options)


def mapping_network(kwargs: dict[str, Any]) -> MappingNetwork:
    given = Kwargs(kwargs)
    sizes = [given.take(name) for name in ("z_dim", "c_dim", "w_dim", "num_ws")]
    return MappingNetwork(*sizes, mapping_config(given.left, labels_only=sizes[3] is None))


def generator(kwargs: dict[str, Any]) -> Generator:
    kwargs = dict(kwargs)
    given = Kwargs({**kwargs.pop("synthesis_kwargs", {}), **kwargs})
    interface = Interface(given.take("img_resolution"), given.take("img_channels"), given.take("c_dim"))
    cls = GENERATORS[given.take("architecture", "skip")]
    assert given.take("kernel_size", 3) == 3
    cfg = cls.Config(
        z_dim=given.take("z_dim"),
        w_dim=given.take("w_dim"),
        mapping=mapping_config(given.take("mapping_kwargs")),
        channels={"base": given.take("channel_base", 32768), "max": given.take("channel_max", 512)},
        conv_clamp=given.take("conv_clamp", 256),
        resample_filter=given.take("resample_filter", [1, 3, 3, 1]),
        noise="layer" if given.take("use_noise", True) else "none",
    )
    given.done()
    return cls(cfg, interface, lambda site: Demod(Demod.Config(), site))


def discriminator(kwargs: dict[str, Any]) -> Discriminator:
    kwargs = dict(kwargs)
    block = kwargs.pop("block_kwargs", None) or {}
    epilogue = Kwargs(kwargs.pop("epilogue_kwargs", None) or {})
    given = Kwargs({**block, **kwargs})
    interface = Interface(given.take("img_resolution"), given.take("img_channels"), given.take("c_dim"))
    cls = DISCRIMINATORS[given.take("architecture", "resnet")]
    assert given.take("freeze_layers", 0) == 0
    cfg = cls.Config(
        channels={"base": given.take("channel_base", 32768), "max": given.take("channel_max", 512)},
        conv_clamp=given.take("conv_clamp", 256),
        resample_filter=given.take("resample_filter", [1, 3, 3, 1]),
        cmap_dim=given.take("cmap_dim"),
        mapping=mapping_config(given.take("mapping_kwargs"), labels_only=True),
        mbstd={"group_size": epilogue.take("mbstd_group_size", 4), "channels": epilogue.take("mbstd_num_channels", 1)},
    )
    given.done()
    epilogue.done()
    return cls(cfg, interface, lambda site: NoNormalization(PluginConfig(), site))


def load(module: nn.Module, case: Case, prefix: str, dtype: torch.dtype) -> nn.Module:
    """The module with the published state: the same names, but for the filters, which are options here."""
    state = {k: v for k, v in case.under(prefix).items() if not k.endswith("resample_filter")}
    module.load_state_dict(state)
    return module.to(dtype)


def given(case: Case, name: str, dtype: torch.dtype) -> Tensor | None:
    """An input of a case; None where the case has none (labels)."""
    tensor = case.tensors.get(name)
    return None if tensor is None else tensor.to(dtype)
