"""Frames as GIF and APNG by Pillow, and as MP4 where PyAV is installed."""

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

from gancore.analysis.figures.grid import as_pixels
from gancore.artifacts.atomic import written
from gancore.contracts.figure import Film

LEAST = 192
"""Pixels that the shorter side of a frame has at least: pixels are repeated."""


def write_film(folder: Path, stem: str, film: Film) -> list[Path]:
    """Writes stem.gif, stem.png (animated) and, where PyAV is installed, stem.mp4; returns those that were written."""
    suffixes = [".gif", ".png", *[".mp4"] * (importlib.util.find_spec("av") is not None)]
    paths = [folder / f"{stem}{suffix}" for suffix in suffixes]
    for path in paths:
        save_film(path, film)
    return paths


def save_film(path: Path, film: Film) -> None:
    """Writes a film as its name says: .gif, .png (animated), or .mp4, which needs PyAV."""
    frames = [_frame(as_pixels(frame)) for frame in film.frames]
    if path.suffix == ".mp4":
        _write_mp4(path, frames, film.per_second)
        return
    first, *others = (Image.fromarray(frame) for frame in frames)
    how = {"save_all": True, "append_images": others, "duration": round(1000 / film.per_second), "loop": 0}
    with written(path) as temporary:
        first.save(temporary, {".gif": "GIF", ".png": "PNG"}[path.suffix], **how)


def _frame(pixels: np.ndarray) -> np.ndarray:
    """RGB, of even sides, large enough to view."""
    rgb = np.asarray(Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).convert("RGB"))
    factor = max(-(-LEAST // min(rgb.shape[:2])), 1)
    factor += factor % 2 * any(side % 2 for side in rgb.shape[:2])
    return rgb.repeat(factor, 0).repeat(factor, 1)


def _write_mp4(path: Path, frames: list[np.ndarray], per_second: float) -> None:
    """H.264, at a quality at which no loss is seen."""
    import av

    with written(path) as temporary, av.open(str(temporary), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=round(per_second), options={"crf": "16"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
