"""Golden p05: StyleGAN3's layer tables, filters, input, layers and whole generators."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from support.golden_cases import Case, cases, close
from support.published import given, mapping_config
from torch import Tensor, nn

from gancore.contracts import Interface, Pass, Site
from gancore_plugins.generators.alias_free import AliasFree
from gancore_plugins.generators.alias_free.filters import lowpass
from gancore_plugins.generators.alias_free.input import FourierInput
from gancore_plugins.generators.alias_free.layer import AliasFreeLayer, AliasFreeToRGB
from gancore_plugins.generators.alias_free.options import AliasFreeConfig
from gancore_plugins.generators.alias_free.table import LayerSpec, Row, layer_rows, layer_specs
from gancore_plugins.normalization.demod import Demod

OPTIONS = {"z_dim": "z_dim", "w_dim": "w_dim", "num_layers": "layers", "num_critical": "critical_layers",
           "margin_size": "margin", "conv_kernel": "kernel_size", "use_radial_filters": "radial_filters",
           "conv_clamp": "conv_clamp"}  # fmt: skip

TABLES = [(c, entry) for c in cases("p05_sg3_layer_tables") for entry in c.sidecar["configurations"]]
DTYPES = [torch.float32, torch.float64]


def config(kwargs: dict[str, Any]) -> AliasFreeConfig:
    left = dict(kwargs)
    options = {ours: left.pop(theirs) for theirs, ours in OPTIONS.items() if theirs in left}
    channels = {"base": left.pop("channel_base", 32768), "max": left.pop("channel_max", 512)}
    mapping = mapping_config({"num_layers": 2, **left.pop("mapping_kwargs", {})})
    assert not left, f"unknown arguments {left}"
    return AliasFreeConfig(**options, channels=channels, mapping=mapping)


def specs_of(kwargs: dict[str, Any]) -> tuple[AliasFreeConfig, list[LayerSpec]]:
    left = dict(kwargs)
    resolution, channels = left.pop("img_resolution"), left.pop("img_channels")
    left.pop("c_dim", None)
    cfg = config(left)
    return cfg, layer_specs(layer_rows(resolution, channels, cfg), cfg)


def columns(spec: LayerSpec, cfg: AliasFreeConfig) -> dict[str, float]:
    before, after, (low, high) = spec.before, spec.after, spec.padding
    radial = cfg.radial_filters and not spec.critical
    return {
        "in_channels": before.channels, "out_channels": after.channels, "in_size": before.size, "out_size": after.size,
        "in_sampling_rate": before.sampling_rate, "out_sampling_rate": after.sampling_rate,
        "tmp_sampling_rate": spec.inner_rate, "in_cutoff": before.cutoff, "out_cutoff": after.cutoff,
        "in_half_width": before.half_width, "out_half_width": after.half_width,
        "up_factor": spec.up, "down_factor": spec.down, "up_taps": spec.up_taps, "down_taps": spec.down_taps,
        "pad_x0": low, "pad_x1": high, "pad_y0": low, "pad_y1": high,
        "is_critically_sampled": spec.critical, "down_radial": radial, "conv_kernel": spec.kernel_size,
    }  # fmt: skip


def table(specs: list[LayerSpec], cfg: AliasFreeConfig, names: list[str]) -> Tensor:
    return torch.tensor([[float(columns(spec, cfg)[name]) for name in names] for spec in specs], dtype=torch.float64)


@pytest.mark.parametrize(("case", "entry"), TABLES, ids=lambda value: value["name"] if isinstance(value, dict) else "")
def test_layer_table(case: Case, entry: dict[str, Any]) -> None:
    cfg, specs = specs_of(entry["kwargs"])
    want = case.tensors[f"{entry['name']}.layers64"]
    ours = [name for name in case.sidecar["columns"] if name != "use_fp16"]  # speed, not a value
    want = want[:, [case.sidecar["columns"].index(name) for name in ours]]
    np.testing.assert_allclose(table(specs, cfg, ours), want, rtol=1e-12)
    first = specs[0].before
    given_input = [first.channels, first.size, first.sampling_rate, first.cutoff]
    np.testing.assert_allclose(given_input, case.tensors[f"{entry['name']}.input64"], rtol=1e-12)
    names = [f"L{i}_{spec.after.size}_{spec.after.channels}" for i, spec in enumerate(specs)]
    assert (names, len(names) + 1) == (entry["layer_names"], entry["num_ws"])


@pytest.mark.parametrize(("case", "entry"), TABLES, ids=lambda value: value["name"] if isinstance(value, dict) else "")
def test_filters(case: Case, entry: dict[str, Any]) -> None:
    cfg, specs = specs_of(entry["kwargs"])
    for i, spec in enumerate(specs):
        radial = cfg.radial_filters and not spec.critical
        up = lowpass(spec.up_taps, spec.before.cutoff, spec.before.half_width, spec.inner_rate)
        down = lowpass(spec.down_taps, spec.after.cutoff, spec.after.half_width, spec.inner_rate, radial)
        for name, taps in {"up_filter": up, "down_filter": down}.items():
            want = case.under(f"{entry['name']}.L{i}.{name}")
            if want:
                assert taps is not None
                close(torch.from_numpy(taps), want["_64"])
                close(torch.tensor(taps, dtype=torch.float32), want[""], want["_64"])


def load(module: nn.Module, state: dict[str, Tensor], dtype: torch.dtype) -> nn.Module:
    """The module with a published state, whose filters are options here."""
    module.load_state_dict({name: value for name, value in state.items() if not name.endswith("_filter")})
    return module.to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", cases("p05_sg3_input_*"), ids=str)
def test_input(case: Case, dtype: torch.dtype) -> None:
    kwargs = dict(case.sidecar["constructor"]["kwargs"])
    size = kwargs.pop("size")
    module = FourierInput(size=tuple(size) if isinstance(size, list) else (size, size), **kwargs)
    load(module, case.under("state."), dtype)
    w = given(case, "w", dtype)
    assert w is not None
    names = sorted(name.removesuffix(".transform") for name in case.tensors if name.endswith(".transform"))
    assert len(names) > 2
    for name in set(names) - {"state"}:
        module.transform.copy_(case.tensors[f"{name}.transform"])
        want = case.under(f"{name}.")
        close(module(w), want["out64" if dtype == torch.float64 else "out"], want["out64"])


def layer(kwargs: dict[str, Any]) -> nn.Module:
    left = dict(kwargs)
    rows = [
        Row(*(left.pop(f"{side}_{name}") for name in ("cutoff", "half_width", "sampling_rate", "size", "channels")))
        for side in ("in", "out")
    ]
    left.pop("use_fp16")
    torgb, critical = left.pop("is_torgb"), left.pop("is_critically_sampled")
    cfg = config(left)
    spec = LayerSpec(*rows, kernel_size=1 if torgb else cfg.kernel_size, critical=critical, torgb=torgb)
    if torgb:
        return AliasFreeToRGB(spec, 0, cfg)
    site = Site("L0", spec.after.size, 0, 1, spec.before.channels, spec.after.channels, "generator", styled=True)
    return AliasFreeLayer(spec, site, Demod(Demod.Config(), site), 0, cfg)


LAYERS = [case for case in cases("p05_sg3_layer_*") if "constructor" in case.sidecar]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_layer(case: Case, dtype: torch.dtype) -> None:
    wide = dtype == torch.float64
    module = load(layer(case.sidecar["constructor"]["kwargs"]), case.under("state."), dtype)
    x, w, proj = (case.tensors[name].to(dtype).requires_grad_() for name in ("x", "w", "proj"))
    out = module(x, (w,), Pass())
    close(out, case.tensors["out64" if wide else "out"], case.tensors["out64"])
    if not wide:
        return
    parameters = dict(module.named_parameters())
    grads = torch.autograd.grad((out * proj).sum(), [x, w, *parameters.values()])
    for name, grad in zip(["x", "w", *parameters], grads, strict=True):
        close(grad, case.tensors[f"grad64_{name}"])


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_magnitude_moves_at_the_end_of_the_step(case: Case) -> None:
    module: Any = load(layer(case.sidecar["constructor"]["kwargs"]), case.under("state."), torch.float32)
    before = module.magnitude_ema.clone()
    module(case.tensors["x"], (case.tensors["w"],), Pass(update_emas=True))
    assert torch.equal(module.magnitude_ema, before)
    module.end_step(lambda value: value)
    close(module.magnitude_ema, case.tensors["magnitude_ema_after"])


def generator(kwargs: dict[str, Any]) -> AliasFree:
    left = dict(kwargs)
    interface = Interface(left.pop("img_resolution"), left.pop("img_channels"), left.pop("c_dim"))
    return AliasFree(config(left), interface, lambda site: Demod(Demod.Config(), site))


GENERATORS = cases("p05_sg3_generator_*")


@pytest.mark.parametrize("case", GENERATORS, ids=str)
def test_generator_float64(case: Case) -> None:
    G = load(generator(case.sidecar["constructor"]["kwargs"]), case.under("G."), torch.float64)
    close(G(given(case, "z", torch.float64), given(case, "label", torch.float64)), case.tensors["image64"], rtol64=1e-7)


@pytest.mark.parametrize("case", GENERATORS, ids=str)
def test_generator_float32(case: Case) -> None:
    tensors, own = case.tensors, case.sidecar["max_abs_diff"]["f32_vs_f64"]
    G: Any = load(generator(case.sidecar["constructor"]["kwargs"]), case.under("G."), torch.float32)
    assert G.synthesis.layers == case.sidecar["layer_names"]
    ws = G.mapping(tensors["z"], tensors.get("label"))
    close(ws, tensors["ws"])
    image, seen = with_outputs(G, ws)
    close(image, tensors["image"], tensors["image64"])
    for name, x in seen.items():
        want = case.under(f"act.{name}.")
        rows, columns = middle(case.sidecar["tensors"][f"act.{name}.crop"]["role"])
        close(x[:1, :, rows, columns], want["crop"], difference=own * scale(want["crop"]))
        close(x.square().mean((1, 2, 3)), want["mean_square"], difference=own * scale(want["mean_square"]))


@pytest.mark.parametrize("case", GENERATORS, ids=str)
def test_truncation(case: Case) -> None:
    tensors = case.tensors
    G = load(generator(case.sidecar["constructor"]["kwargs"]), case.under("G."), torch.float32)
    role = case.sidecar["tensors"]["image_trunc"]["role"]
    psi, cutoff = re.search(r"truncation_psi ([0-9.]+), truncation_cutoff (\d+)", role).groups()  # type: ignore[union-attr]
    label = tensors["label"][:1] if "label" in tensors else None
    image = G(tensors["z"][:1], label, truncation_psi=float(psi), truncation_cutoff=int(cutoff))
    close(image, tensors["image_trunc"], difference=case.sidecar["max_abs_diff"]["f32_vs_f64"])


def with_outputs(G: Any, ws: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The image, and the output of the input and of each layer."""
    seen: dict[str, Tensor] = {}
    for name, module in G.synthesis.named_children():
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, out))
    return G.synthesis(ws)[-1], seen


def middle(role: str) -> tuple[slice, slice]:
    """The window that a sidecar describes, "rows and columns 14..21"."""
    first, last = map(int, re.search(r"rows and columns (\d+)\.\.(\d+)", role).groups())  # type: ignore[union-attr]
    return slice(first, last + 1), slice(first, last + 1)


def scale(x: Tensor) -> float:
    """The sidecar states the difference of images; activations are larger."""
    return max(float(x.abs().max()), 1.0)
