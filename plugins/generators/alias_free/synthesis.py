"""The synthesis network of StyleGAN3: Fourier features, layers of the table, toRGB; and the plugin."""

from collections.abc import Iterable
from typing import Any, ClassVar

from torch import Tensor

from gancore.contracts import Context, Generator, Images, Interface, Normalize, Pass, Synthesis
from gancore.errors import PluginError
from gancore.nn import MappingNetwork, Sites, resolution_problems

from .input import FourierInput
from .layer import AliasFreeLayer, AliasFreeToRGB
from .options import AliasFreeConfig
from .table import layer_rows, layer_specs


class AliasFreeSynthesis(Synthesis):
    """ws [N, num_ws, w_dim] to one image. Layers are named in the published manner, `L0_36_512`: size, channels."""

    def __init__(self, cfg: AliasFreeConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.resolution, self.output_scale = interface.resolution, cfg.output_scale
        rows = layer_rows(interface.resolution, interface.channels, cfg)
        first, size = rows[0], (rows[0].size, rows[0].size)
        self.input = FourierInput(cfg.w_dim, first.channels, size, first.sampling_rate, first.cutoff)
        self.layers = [f"L{i}_{row.size}_{row.channels}" for i, row in enumerate(rows)]
        sites = Sites("generator", cfg.layers, styled=True)
        for w_index, (name, spec) in enumerate(zip(self.layers, layer_specs(rows, cfg), strict=True), start=1):
            if spec.torgb:
                setattr(self, name, AliasFreeToRGB(spec, w_index, cfg))
                continue
            site = sites.next(name, spec.after.size, spec.before.channels, spec.after.channels)
            setattr(self, name, AliasFreeLayer(spec, site, normalize(site), w_index, cfg))
        self.num_ws = len(rows) + 1

    def forward(self, ws: Tensor, how: Pass) -> Images:
        if how.stage is not None and how.stage.resolution != self.resolution:
            raise PluginError(f"the alias-free generator paints at {self.resolution} only, and cannot grow")
        layer_ws = ws.unbind(1)
        x = self.input(layer_ws[0])
        for name in self.layers:
            x = getattr(self, name)(x, layer_ws, how)
        return (x * self.output_scale,)


class AliasFree(Generator):
    """Plugin `alias_free`: equivariant to translation, and with the options of configuration R to rotation."""

    Config = AliasFreeConfig
    provides: ClassVar[frozenset[str]] = frozenset({"styles", "ws"})

    def __init__(self, cfg: AliasFreeConfig, interface: Interface, normalize: Normalize) -> None:
        super().__init__(cfg, interface, normalize)
        self.z_dim, self.w_dim = cfg.z_dim, cfg.w_dim
        self.synthesis = AliasFreeSynthesis(cfg, interface, normalize)
        self.num_ws = self.synthesis.num_ws
        self.mapping = MappingNetwork(cfg.z_dim, interface.label_dim, cfg.w_dim, self.num_ws, cfg.mapping)

    @classmethod
    def problems(cls, cfg: Any, context: Context) -> Iterable[str]:
        resolution = context.interface.resolution
        yield from resolution_problems(resolution)
        if resolution < 4 * cfg.first_cutoff:
            yield f"resolution {resolution} leaves no band between first_cutoff {cfg.first_cutoff:g} and its own"
