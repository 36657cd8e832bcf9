"""The contract of generators."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, get_args, overload

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gancore import display
from gancore.contracts.latent import Latent
from gancore.contracts.normalization import Normalization
from gancore.contracts.part import Part
from gancore.contracts.types import Draw, Images, Interface, NoiseMode, Pass, Site, Stage
from gancore.names import some

Normalize = Callable[[Site], Normalization]
"""Returns the chosen normalization for a site; the only source of normalizations for a topology."""


class Mapping(nn.Module):
    """The base of a generator's `mapping`: latents with their labels to ws."""

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """z [N, z_dim] and labels [N, label_dim] to ws [N, num_ws, w_dim].

        `truncation_psi` pulls ws towards their mean, the first `truncation_cutoff` of them or all (None).
        `update_emas` adds the batch to the average of ws, which moves in `end_step`.
        Raises ValueError if a label is missing, and for a psi other than 1 if there is nothing to truncate.
        """
        raise NotImplementedError

    if TYPE_CHECKING:
        __call__ = forward


class Synthesis(nn.Module):
    """The base of a generator's `synthesis`: ws to images."""

    def forward(self, ws: Tensor, how: Pass) -> Images:
        """ws [N, num_ws, w_dim] to images [N, C, r, r], coarse to fine, nominal range [-1, 1]."""
        raise NotImplementedError

    @overload
    def __call__(self, ws: Tensor, how: Pass, /) -> Images: ...

    @overload
    def __call__(
        self,
        ws: Tensor,
        noise_mode: NoiseMode = ...,
        stage: Stage | None = ...,
        draw: Draw | None = ...,
        update_emas: bool = ...,
    ) -> Images: ...

    def __call__(
        self,
        ws: Tensor,
        noise_mode: Any = "random",
        stage: Stage | None = None,
        draw: Draw | None = None,
        update_emas: bool = False,
    ) -> Images:
        """Runs `forward`. Takes a `Pass`, or its fields one by one: synthesis(ws, noise_mode="const").

        The engine passes them one by one, so that modules without this base, whose `forward` takes them, work too.
        """
        how = noise_mode if isinstance(noise_mode, Pass) else Pass(noise_mode, stage, draw, update_emas)
        images: Images = super().__call__(ws, how)
        return images


class Generator(Part):
    """Latents to images. A subclass sets two modules, `mapping` and `synthesis`, and three sizes.

    A generator without styles has one w, `num_ws` 1: z itself, with the label beside it.
    """

    provides: ClassVar[frozenset[str]] = frozenset()
    """Known words: "styles" (layers take a style), "ws" (a mapped latent, one w a layer), "pyramid" (all scales),
    "growth" (synthesis follows a stage: paints at its resolution, the newest block with weight alpha)."""

    mapping: Mapping
    synthesis: Synthesis
    z_dim: int
    w_dim: int
    num_ws: int
    stage: Stage | None = None
    """Set on the averaged generator and in the model file of a run that is still growing; None: fully grown."""
    examples: Tensor | None = None
    """Set on them where labels are vectors: those of some training images [M, label_dim]; None: labels are classes."""

    class_names: Sequence[str] = ()
    """Set on them where labels are classes: the name of each, in the order of their numbers; empty: not known."""

    def __init__(self, cfg: Any, interface: Interface, normalize: Normalize) -> None:
        super().__init__()
        self.cfg, self.interface = cfg, interface

    def __repr__(self) -> str:
        """One line. The layers are those of `mapping` and `synthesis`."""
        return f"<{type(self).__name__}: {', '.join(f'{name} {value}' for name, value in self._facts().items())}>"

    def _repr_html_(self) -> str:
        return display.facts(type(self).__name__, self._facts())

    def _facts(self) -> dict[str, str]:
        size = self.resolution
        found = {"images": f"[N, {self.interface.channels}, {size}, {size}]", "z_dim": f"{self.z_dim}"}
        if "ws" in self.provides:
            found |= {"num_ws": f"{self.num_ws}", "w_dim": f"{self.w_dim}"}
        if self.label_count:
            found["labels"] = some(self.class_names) if self.class_names else f"{self.label_count}"
        if self.stage is not None:
            found["stage"] = f"{self.stage.resolution}x{self.stage.resolution}, alpha {self.stage.alpha:g}"
        return {**found, "parameters": f"{sum(p.numel() for p in self.parameters()):,}"}

    @property
    def resolution(self) -> int:
        """Width and height of the images when fully grown."""
        return self.interface.resolution

    @property
    def label_count(self) -> int:
        """Number of labels in grids of samples: the classes, or the examples of vectors; 0 without labels."""
        return self.interface.label_dim if self.examples is None else len(self.examples)

    def numbered_labels(self, numbers: Sequence[int]) -> Tensor | None:
        """The labels [N, label_dim] with these numbers, modulo their number; None without labels."""
        if not self.label_count:
            return None
        which = torch.tensor(numbers) % self.label_count
        return F.one_hot(which, self.label_count).float() if self.examples is None else self.examples[which]

    def sample_z(self, draw: Draw) -> Tensor:
        """Latents [N, z_dim], N(0, 1) by default."""
        return draw.normal("z", (self.z_dim,))

    def draws_from(self, latent: Latent) -> None:
        """From now on latents come from a plugin instead of the class."""
        self.sample_z = partial(latent.sample, size=self.z_dim)  # type: ignore[method-assign]

    def reals(self, image: Tensor, stage: Stage | None = None) -> Images:
        """Real images [N, C, R, R] in the form of this generator's output: at its scales, and as small as the stage.

        Default: averaged down to the stage's resolution; while that fades in, blended with the image at the resolution
        before (arXiv:1710.10196, figure 2).
        """
        if stage is None:
            return (image,)
        image = F.avg_pool2d(image, image.shape[2] // stage.resolution)
        if stage.alpha < 1:
            before = F.interpolate(F.avg_pool2d(image, 2), scale_factor=2, mode="nearest")
            image = torch.lerp(image, before, 1 - stage.alpha)
        return (image,)

    def num_ws_at(self, stage: Stage | None) -> int:
        """How many ws are in use at a stage: the first ones. Style mixing chooses among them."""
        return self.num_ws

    def enlarged(self, image: Tensor) -> Tensor:
        """Images [N, C, r, r] of a generator that is still growing, at the final resolution: pixels are repeated."""
        factor = self.resolution // image.shape[2]
        return F.interpolate(image, scale_factor=factor, mode="nearest") if factor > 1 else image

    def fakes(
        self, ws: Tensor, reals: Callable[[], Images], stage: Stage | None, draw: Draw, update_emas: bool = False
    ) -> Images:
        """Images of a training step.

        A generator that is conditioned on real images (LAPGAN: on the coarser ones) overrides this, and calls `reals()`
        to get those of the microbatch.
        """
        return self.synthesis(ws, noise_mode="random", stage=stage, draw=draw, update_emas=update_emas)

    def forward(
        self,
        z: Tensor,
        label: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: NoiseMode = "const",
        draw: Draw | None = None,
    ) -> Tensor:
        """[N, z_dim] and labels [N, label_dim] to the finest image [N, C, H, W], nominal range [-1, 1].

        H and W are the final resolution, or that of `stage` if a growing run has not reached it yet.
        `truncation_psi` pulls ws towards their mean: 1 not at all, 0 all the way; `truncation_cutoff` says how many
        of them, 0 to num_ws, from the coarsest on (None: all).
        Random noise comes from `draw`, or from torch's own generator if there is none.
        Raises ValueError if labels, truncation or noise mode do not suit this generator.
        """
        self._check_label(z.shape[0], label)
        self._check_truncation(truncation_psi, truncation_cutoff)
        if noise_mode not in get_args(NoiseMode):
            raise ValueError(f"noise_mode should be one of {', '.join(get_args(NoiseMode))}, not {noise_mode!r}")
        ws = self.mapping(z, label, truncation_psi=truncation_psi, truncation_cutoff=truncation_cutoff)
        return self.synthesis(ws, noise_mode=noise_mode, stage=self.stage, draw=draw)[-1]

    if TYPE_CHECKING:
        __call__ = forward

    def sample(
        self,
        draw: Draw,
        label: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: NoiseMode = "random",
    ) -> Tensor:
        """Images [N, C, R, R] of the latents of a draw, with labels [N, label_dim]; see `forward`.

        R is the final resolution: images of a generator that is still growing are enlarged.
        """
        z = self.sample_z(draw)
        return self.enlarged(self(z, label, truncation_psi, truncation_cutoff, noise_mode, draw))

    def _check_label(self, n: int, label: Tensor | None) -> None:
        label_dim = self.interface.label_dim
        if label is None or tuple(label.shape) == (n, label_dim):
            return
        if label_dim == 0:
            raise ValueError("this generator was made without labels; leave label out")
        raise ValueError(f"label should have shape [{n}, {label_dim}], one row a sample, not {list(label.shape)}")

    def _check_truncation(self, psi: float, cutoff: int | None) -> None:
        if not math.isfinite(psi):
            raise ValueError(f"truncation_psi should be a finite number, not {psi}")
        if cutoff is None:
            return
        if "ws" not in self.provides:
            raise ValueError("this generator has one w for all layers; leave truncation_cutoff out")
        if not 0 <= cutoff <= self.num_ws:
            raise ValueError(f"truncation_cutoff counts ws: it should be 0 to {self.num_ws}, not {cutoff}")
