"""`gancore explore`: a page to play with trained models."""

from pathlib import Path

import click

from gancore.cli.options import device, trust_local_plugins


@click.command()
@click.argument("targets", metavar="RUN|MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Another than loopback lets other machines use the page: it has no password.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0: any free one.")
@click.option(
    "--features",
    metavar="NAME,...",
    default="embedded",
    show_default=True,
    help="Feature plugin that compares images in projections: the first that is available; lpips may be downloaded.",
)
@click.option("--open/--no-open", "opened", default=False, show_default=True, help="Open the page in a browser.")
@device
@trust_local_plugins
def explore(
    targets: tuple[Path, ...], host: str, port: int, features: str, opened: bool, device: str, trust: bool | None
) -> None:
    """Serve a page to play with models: seeds, styles, noise, layers, projections; several are shown side by side.

    \b
    gancore explore RUN
    gancore explore RUN OTHER-RUN          the same latents in both
    """
    from gancore.device import pick_device
    from gancore.explore.serve import gradio, serve

    gradio()
    from gancore.explore import Explored

    where = pick_device(device, "--device")
    models = [Explored.of(target, where, bool(trust)) for target in targets]

    def ready(address: str) -> None:
        click.echo(f"{address}  (Ctrl-C ends it)")
        if opened:
            click.launch(address)

    serve(models, features.split(","), host, port, ready)
