"""Golden p04: R3GAN's resampling, networks, relativistic loss and both penalties, with the gradients of all weights."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from support.fakes import FakeStep, made
from support.golden_cases import Case, cases, close
from torch import Tensor, nn

from gancore.contracts import Discriminator, Generator, Interface, PluginConfig
from gancore.nn.families.bottleneck import Level
from gancore.nn.kernels.resample import downsample2d, setup_filter, upsample2d
from gancore_plugins.discriminators.bottleneck import Bottleneck as OurDiscriminator
from gancore_plugins.generators.bottleneck import Bottleneck as OurGenerator
from gancore_plugins.normalization.none import NoNormalization

CASES = cases("p04_*")
DTYPES = [torch.float32, torch.float64]


def taps(arguments: dict[str, Any]) -> tuple[float, ...]:
    """The published filter is applied to an image whose pixels were doubled first."""
    return tuple(np.convolve(arguments["ResamplingFilter"], [1, 1]).tolist())


def levels(arguments: dict[str, Any], sizes: list[int]) -> list[Level]:
    columns = [arguments[f"{name}PerStage"] for name in ("Width", "Cardinality", "Blocks")]
    expansion = arguments["ExpansionFactor"]
    assert arguments["KernelSize"] == 3
    return [Level(r, w, w * expansion, c, n) for r, w, c, n in zip(sizes, *columns, strict=True)]


def known(arguments: dict[str, Any]) -> dict[str, Any]:
    more = {"NoiseDimension", "ConditionDimension", "ConditionEmbeddingDimension"}
    names = {"WidthPerStage", "CardinalityPerStage", "BlocksPerStage", "ExpansionFactor", "KernelSize"}
    unknown = set(arguments) - names - more - {"ResamplingFilter"}
    assert not unknown, f"unknown arguments {unknown}"
    return arguments


class Published:
    """The networks of one case in one dtype, with their published weights; each gives values by published names."""

    def __init__(self, case: Case, dtype: torch.dtype) -> None:
        self.case, self.tensors = case, {k: v.to(dtype) for k, v in case.tensors.items()}
        self.label, self.real = self.tensors.get("label"), self.tensors["real"]
        io = Interface(self.real.shape[-1], self.real.shape[1], 0 if self.label is None else self.label.shape[1])
        self.G = self._load(self._generator(io), "G.", dtype)
        self.D = self._load(self._discriminator(io), "D.", dtype)
        self.image = self.G.synthesis(self.G.mapping(self.tensors["z"], self.label))[-1]

    def _generator(self, io: Interface) -> Generator:
        arguments = known(self.case.sidecar["constructor"]["Generator"])
        sizes = [4 << i for i in range(len(arguments["WidthPerStage"]))]
        cls = type("Generator", (OurGenerator,), {"levels": lambda self: levels(arguments, sizes)})
        embedded = arguments.get("ConditionEmbeddingDimension")
        cfg = OurGenerator.Config(
            z_dim=arguments["NoiseDimension"], embed_features=embedded, resample_filter=taps(arguments)
        )
        return cls(cfg, io, lambda site: NoNormalization(PluginConfig(), site))

    def _discriminator(self, io: Interface) -> Discriminator:
        arguments = known(self.case.sidecar["constructor"]["Discriminator"])
        sizes = [4 << i for i in range(len(arguments["WidthPerStage"]))][::-1]
        cls = type("Discriminator", (OurDiscriminator,), {"levels": lambda self: levels(arguments, sizes)})
        embedded = arguments.get("ConditionEmbeddingDimension")
        cfg = OurDiscriminator.Config(cmap_dim=embedded, resample_filter=taps(arguments))
        return cls(cfg, io, lambda site: NoNormalization(PluginConfig(), site))

    def _load(self, network: nn.Module, prefix: str, dtype: torch.dtype) -> Any:
        self.names = getattr(self, "names", {}) | {prefix: dict(renamed(self.case.under(prefix), network))}
        state = {ours: self.case.tensors[prefix + theirs] for theirs, ours in self.names[prefix].items()}
        own = {name: parameter.shape for name, parameter in network.named_parameters()}
        assert {name: value.shape for name, value in state.items()} == own
        network.load_state_dict(state)
        return network.to(dtype)

    def logits(self, image: Tensor) -> Tensor:
        return self.D((image,), self.label)[0]

    def discriminator_losses(self) -> dict[str, Tensor]:
        image = self.image.detach()
        loss = made("loss", "relativistic")
        step = FakeStep(self.D, (self.real,), (image,), real_label=self.label)  # type: ignore[arg-type]
        r1, r2 = (made("regularizer", name, gamma=2).penalty(step) for name in ("r1", "r2"))
        real, fake = self.logits(self.real), self.logits(image)
        adversarial = loss.d(real, fake)
        total = (adversarial + self.case.sidecar["gamma"] / 2 * (r1 + r2)).mean()
        return {"adversarial": adversarial, "relativistic_logits": real - fake, "r1": r1, "r2": r2, "loss": total}

    def generator_losses(self) -> dict[str, Tensor]:
        adversarial = made("loss", "relativistic").g(self.logits(self.image), self.logits(self.real))
        return {"adversarial": adversarial, "loss": adversarial.mean()}


LAYER = re.compile(r"MainLayers\.(\d+)\.Layers\.(\d+)\.(.+)")
BLOCK = re.compile(r"(LinearLayer|NonLinearity)(\d)\.(?:Layer\.)?(weight|Bias)")


def renamed(state: dict[str, Tensor], network: nn.Module) -> Iterator[tuple[str, str]]:
    """Published parameter names with ours: stages count up in the generator, down to 4x4 in the discriminator."""
    generator = isinstance(network, Generator)
    inner, side = ("synthesis.", "enter") if generator else ("", "leave")
    stages = [int(match[1]) for match in map(LAYER.match, state) if match]
    ends = {"EmbeddingLayer.weight": "mapping.embed.weight" if generator else "embed.weight"}
    top = f"{inner}b{4 << max(stages)}"
    ends |= {
        "AggregationLayer.Layer.weight": f"{top}.torgb.weight",
        "ExtractionLayer.Layer.weight": f"{top}.fromrgb.weight",
    }
    at4 = {"Basis": f"{side}.basis", "Basis.weight": f"{side}.weight", "LinearLayer.weight": f"{side}.linear.weight"}
    for name in state:
        if match := LAYER.match(name):
            stage, layer, rest = int(match[1]), int(match[2]), match[3]
            size = f"{inner}b{4 << (stage if generator else max(stages) - stage)}"
            if block := BLOCK.fullmatch(rest):
                number = layer - 1 if generator else layer
                yield name, f"{size}.blocks.{number}.conv{int(block[2]) - 1}.{block[3].lower()}"
            elif rest == "LinearLayer.weight" and not generator:
                yield name, "out.weight"
            elif rest in at4:
                yield name, f"{size}.{at4[rest]}"
            elif rest == "LinearLayer.Layer.weight":
                yield name, f"{size}.{side}.conv.weight"
            else:
                assert rest == "Resampler.Kernel", f"unknown parameter {name}"
        elif name in ends:
            yield name, ends[name]


def compare(case: Case, name: str, got: Tensor, own: float) -> None:
    """With the tensor of that name, or its float64 counterpart; `own` is the rounding that the sidecar states."""
    narrow, wide = case.tensors[name], case.tensors[re.sub(r"^([GD])\.", r"\g<1>64.", name) + name_64(name)]
    if got.dtype == torch.float64:
        close(got, wide, rtol64=1e-7)
    else:
        close(got, narrow, wide, difference=own)


def name_64(name: str) -> str:
    return "" if name[:2] in ("G.", "D.") else "64"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_resampling(case: Case) -> None:
    kernel = setup_filter(list(taps(case.sidecar["constructor"]["Generator"])))
    x, own = case.tensors["resample.x"], case.sidecar["max_abs_diff"]["resampler_reference"]
    close(kernel, case.tensors["resample.kernel"], difference=own)
    close(upsample2d(x, kernel), case.tensors["resample.up"], difference=own)
    close(downsample2d(x, kernel), case.tensors["resample.down"], difference=own)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_networks(case: Case, dtype: torch.dtype) -> None:
    published, own = Published(case, dtype), case.sidecar["max_abs_diff"]
    compare(case, "image", published.image, own["image"])
    compare(case, "logits_real", published.logits(published.real), own["logits"])
    compare(case, "logits_fake", published.logits(published.image), own["logits"])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("side", ["D", "G"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_losses_and_gradients(case: Case, side: str, dtype: torch.dtype) -> None:
    published = Published(case, dtype)
    losses = published.discriminator_losses() if side == "D" else published.generator_losses()
    own = case.sidecar["max_abs_diff"]
    for name in case.under(f"{side}64."):
        if not name.startswith("grad."):
            compare(case, f"{side}.{name}", losses[name], own["D_loss"])

    parameters = dict((published.D if side == "D" else published.G).named_parameters())
    wanted = case.under(f"{side}64.grad.")
    assert wanted
    inputs = [parameters[published.names[f"{side}."][name]] for name in wanted]
    gradients = torch.autograd.grad(losses["loss"], inputs, materialize_grads=True)
    for got, want in zip(gradients, wanted.values(), strict=True):
        if dtype == torch.float64:
            close(got, want, rtol64=1e-7)
        else:
            close(got, want.float(), difference=own["D_grad_rel"] * float(want.abs().max()))
