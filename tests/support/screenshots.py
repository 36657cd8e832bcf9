"""Takes the pictures of docs/explore.md: `cd tests; python -m support.screenshots RUN OTHER-RUN`.

Needs gradio and Chromium.
"""

import io
import tempfile
from pathlib import Path

import click
import torch
from PIL import Image

IMAGES = Path(__file__).parents[2] / "docs/images"
WIDTH, HEIGHT = 1150, 690
COMMAND = "document.querySelector('#command').innerText.trim()"
"""What the page names as the command of a picture; empty where there is none."""


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
def main(runs: tuple[Path, ...]) -> None:
    """Serve a page on RUNS, move its controls, and write WebP files into docs/images."""
    from explore.test_page import field, move, serving, tab
    from support.browser import browsing

    from gancore.analysis.figures.grid import as_pixels
    from gancore.explore import Explored, Look

    models = [Explored.of(run, torch.device("cpu")) for run in runs]
    with tempfile.TemporaryDirectory() as folder, serving(models) as address, browsing(Path(folder) / "user") as page:
        page.open(f"http://{address}/", WIDTH, HEIGHT)
        page.wait("document.querySelector('#picture-0 img')?.naturalWidth > 0")
        page.enter(field("seed", "number"), "4")
        move(page, "crossover", "ArrowLeft", 4)
        page.wait(f"!{COMMAND}")
        _take(page.screenshot(), "sample")
        move(page, "crossover", "End", 1)
        page.wait(COMMAND)
        tab(page, "Layers")
        layer = models[0].layers[-2]
        page.click("document.querySelector('#layer input')")
        page.click(f"[...document.querySelectorAll('[role=option]')].find(x => x.innerText.includes('{layer}'))")
        page.wait("document.querySelector('#map-0 img')?.naturalWidth > 0")
        _take(page.screenshot(), "layers")
        page.click("document.querySelector('#layer input')")
        page.click("[...document.querySelectorAll('[role=option]')].find(x => x.innerText.includes('none'))")
        page.send("Emulation.setDeviceMetricsOverride", width=WIDTH, height=980, deviceScaleFactor=1, mobile=False)
        given = Path(folder) / "given.png"
        Image.fromarray(as_pixels(models[0].picture(Look(seed=9)))).save(given)
        tab(page, "Project")
        page.wait("!!document.querySelector('#upload input[type=file]')")
        page.upload("#upload input[type=file]", given)
        page.wait("document.querySelector('#target img')?.naturalWidth > 0")
        page.click("document.querySelector('#project')")
        page.wait("document.querySelector('#progress').innerText.includes('step 200 of 200')", 300)
        page.wait(f"!{COMMAND}")
        _take(page.screenshot(), "project")


def _take(png: bytes, name: str) -> None:
    path = IMAGES / f"explore-{name}.webp"
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").save(path, "WEBP", quality=80, method=6)
    click.echo(f"{path} {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
