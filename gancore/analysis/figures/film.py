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
    """Writes stem.gif, stem.png (animated), stem.mp4; returns those that were written."""
    frames = [_frame(as_pixels(frame)) for frame in film.frames]
    pictures = [Image.fromarray(frame) for frame in frames]
    paths = []
    for suffix, form in ((".gif", "GIF"), (".png", "PNG")):
        path = folder / f"{stem}{suffix}"
        with written(path) as temporary:
            duration = round(1000 / film.per_second)
            pictures[0].save(temporary, form, save_all=True, append_images=pictures[1:], duration=duration, loop=0)
        paths.append(path)
    if importlib.util.find_spec("av") is not None:
        paths.append(folder / f"{stem}.mp4")
        _write_mp4(paths[-1], frames, film.per_second)
    return paths


def _frame(pixels: np.ndarray) -> np.ndarray:
    """RGB, of even sides, large enough to look at."""
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
