"""Checks 7 to 9 and 13: images per second, a peer beside, bandwidth of single operations, features."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch.nn import functional as F

from benchmarks.gpu_check.check import Found, Place, Skipped
from benchmarks.iteration import INTERVALS
from benchmarks.peers import Official, config_f
from gancore.composition import compose
from gancore.config import load_experiment
from gancore.contracts import Interface
from gancore.cost.flops import blank_data
from gancore.nn import downsample2d, setup_filter
from gancore.training.settings import process_settings
from gancore.training.step.draws import DeviceDraw, SeededDraw
from gancore.training.trainer import Trainer
from gancore_plugins.features.embedded import Embedded

SIZES = ((256, 32), (1024, 8))
"""Resolutions and images a step."""
WAYS = {
    "fp32": ["training.precision=fp32", "training.tf32=false"],
    "tf32": ["training.precision=fp32", "training.tf32=true"],
    "bf16": ["training.precision=bf16"],
    "fp16": ["training.precision=fp16", "generator.conv_clamp=256", "discriminator.conv_clamp=256"],
}
ROUNDS = 5
BANDWIDTH = 3.35e12
"""Bytes a second of an H100."""


def config(device: torch.device, resolution: int, batch: int, changes: list[str]) -> Trainer:
    size = [f"data={{use: emoji, resolution: {resolution}, fit: resize}}", f"training.batch={batch}"]
    experiment = load_experiment("preset:stylegan2-F", [*size, "evaluation=null", "training.draws=device", *changes])
    interface = Interface(resolution, 3)
    return Trainer(compose(experiment, interface), blank_data(interface), experiment.training, device)


def throughput(place: Place) -> Found:
    """Images a second, memory, and the host's share of a step of config F; draws of a step."""
    place.needs_gpu()
    found: dict[str, dict[str, float]] = {}
    for resolution, batch in SIZES:
        for way, changes in WAYS.items():
            trainer = config(place.device, resolution, batch, changes)
            with process_settings(trainer.training, place.device):
                torch.cuda.reset_peak_memory_stats(place.device)
                phases = {phase.name: partial(trainer.run_phase, phase) for phase in trainer.phases}
                intervals = {phase.name: phase.interval for phase in trainer.phases}
                host, device = timed({**phases, "EMA": trainer.end_step}, {**intervals, "EMA": 1})
            memory = torch.cuda.max_memory_allocated(place.device)
            found[f"{resolution} {way}"] = {
                "images_s": batch / device,
                "host": host / device,
                "memory_gb": memory / 1e9,
            }
            del trainer, phases
            torch.cuda.empty_cache()
    found["draws of 1024, batch 8"] = {"host_ms": draws(SeededDraw, place), "device_ms": draws(DeviceDraw, place)}
    number = ", ".join(f"{name} {one['images_s']:.0f} images/s" for name, one in found.items() if "images_s" in one)
    host = max(one["host"] for name, one in found.items() if name.startswith("256"))
    return Found(host < 0.5, f"{number}; the host takes {host:.0%} at 256", details=found)


def timed(phases: Mapping[str, Callable[[], object]], intervals: Mapping[str, int]) -> tuple[float, float]:
    """Seconds of a step until the host has launched it, and until the device has done it; medians of each phase."""
    host = device = 0.0
    for name, interval in intervals.items():
        for _ in range(2):
            phases[name]()
        launches, wholes = [], []
        for _ in range(ROUNDS):
            torch.cuda.synchronize()
            start = time.perf_counter()
            phases[name]()
            launches.append(time.perf_counter() - start)
            torch.cuda.synchronize()
            wholes.append(time.perf_counter() - start)
        host, device = host + sorted(launches)[ROUNDS // 2] / interval, device + sorted(wholes)[ROUNDS // 2] / interval
    return host, device


def draws(kind: type[SeededDraw], place: Place) -> float:
    """Milliseconds of the noise of the two finest layers."""
    draw, times = kind.whole((0,), 8, place.device), []
    for _ in range(ROUNDS):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for layer in range(2):
            draw.normal(f"noise.{layer}", (1, 1024, 1024))
        torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - start))
    return sorted(times)[ROUNDS // 2]


def peers(place: Place) -> Found:
    """Config F at 256, batch 32, in half precision, in turns on one card: ours, theirs, theirs, ours."""
    place.needs_gpu()
    if not place.peers:
        raise Skipped("no --peer KIND=PATH was given")
    rates: dict[str, list[float]] = {"ours": [], **{kind: [] for kind in place.peers}}
    for kind, path in place.peers.items():
        for who in ("ours", kind, kind, "ours"):
            phases: dict[str, Callable[[], object]]
            if who == "ours":
                trainer = config(place.device, 256, 32, WAYS["fp16"])
                phases = {phase.name: partial(trainer.run_phase, phase) for phase in trainer.phases}
                intervals = {phase.name: phase.interval for phase in trainer.phases}
                end: Callable[[], object] = trainer.end_step
            else:
                G, D = (network.to(place.device) for network in config_f(kind, Path(path), 256, True))
                theirs = Official(G, D, 256, 32, 512, mixes=True).phases()
                phases, intervals, end = {**theirs}, dict(INTERVALS), theirs["EMA"]
            _, seconds = timed({**phases, "EMA": end}, {**intervals, "EMA": 1})
            rates[who].append(32 / seconds)
            torch.cuda.empty_cache()
    ours = sum(rates["ours"]) / len(rates["ours"])
    best = max(sum(its) / len(its) for who, its in rates.items() if who != "ours")
    return Found(ours >= 0.9 * best, f"{ours:.0f} images/s beside {best:.0f}", details=rates)


def bandwidth(place: Place) -> Found:
    """GB/s of the FIR filter in both layouts, and of the product of toRGB."""
    place.needs_gpu()
    f, found = setup_filter([1, 3, 3, 1]).to(place.device), {}
    for dtype in (torch.float32, torch.float16):
        for layout in (torch.channels_last, torch.contiguous_format):
            x = torch.randn(32, 128, 256, 256, device=place.device, dtype=dtype).contiguous(memory_format=layout)
            moved = x.numel() * x.element_size() * 1.25
            found[f"FIR {dtype} {layout}".replace("torch.", "")] = moved / _seconds(partial(downsample2d, x, f)) / 1e9
    rows = torch.randn(32, 65536, 128, device=place.device, dtype=torch.float16)
    weight = torch.randn(32, 128, 3, device=place.device, dtype=torch.float16)
    found["toRGB float16"] = rows.numel() * 2 / _seconds(lambda: torch.bmm(rows, weight)) / 1e9
    best = max(rate for name, rate in found.items() if name.startswith("FIR"))
    number = ", ".join(f"{name} {rate:.0f} GB/s" for name, rate in found.items())
    return Found(best >= 0.6 * BANDWIDTH / 1e9, number, details=found)


def _seconds(work: Callable[[], object]) -> float:
    """The median of one call."""
    times = []
    for _ in range(ROUNDS + 2):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times[2:])[ROUNDS // 2]


def features(place: Place) -> Found:
    """Embedded features of 64 images beside those of the CPU."""
    place.needs_gpu()
    images = F.interpolate(
        torch.randint(0, 256, (64, 3, 16, 16), generator=torch.Generator().manual_seed(0)).float(), 64
    )
    errors, made = {}, {}
    for tf32 in (False, True):
        torch.backends.cudnn.allow_tf32 = tf32
        for device in (torch.device("cpu"), place.device):
            feature = Embedded(Embedded.Config())
            feature.prepare(device)
            made[device.type] = feature.extract(images.to(device), ("features",))["features"].cpu()
        errors[f"tf32 {tf32}"] = (made["cpu"] - made["cuda"]).norm().item() / made["cpu"].norm().item()
    return Found(errors["tf32 False"] <= 1e-3, ", ".join(f"{k} {v:.1e}" for k, v in errors.items()), details=errors)
