"""The page's server. It asks no other host for anything, and tells browsers not to either."""

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gancore.errors import GancoreError
from gancore.explore.explored import Explored
from gancore.explore.page import CSS, Page
from gancore.explore.projecting import LARGEST, Projector
from gancore.nn.pretrained import package

QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}
"""The environment in which gradio asks for no versions and reports nothing."""

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-ancestors 'none'"
)
"""Browsers load nothing from other hosts."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
NAMES = ["127.0.0.1", "localhost", "["]
"""What the Host header of a request may begin with, up to a colon, on loopback: "[" is what that leaves of [::1]."""


def gradio() -> Any:
    """The library, quiet. Raises GancoreError if it is not installed."""
    os.environ.update(QUIET)
    return package("gradio", "explore")


def listening(host: str, port: int) -> socket.socket:
    """A socket of the server; port 0: any free one. Raises GancoreError if it is unavailable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise GancoreError(f"--host {host} --port {port}: {reason}; --port 0 takes any free port") from error


class WithPolicy:
    """Middleware that adds the policy to every response."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
            await send(message)

        await self.app(scope, receive, with_policy)


def application(models: Sequence[Explored], features: Sequence[str], host: str) -> Any:
    """The page as an ASGI application. Raises GancoreError if no feature plugin of these is available.

    A page on loopback answers under names of this machine only, so that no web page elsewhere can reach it by a name
    that it lets point here.
    """
    gr = gradio()
    fastapi = package("fastapi", "explore")
    projectors = [Projector(model, features) for model in models]
    for projector in projectors:
        projector.check()
    page = Page(models, projectors)
    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    if host in LOOPBACK:
        trusted = package("starlette.middleware.trustedhost", "explore").TrustedHostMiddleware
        app.add_middleware(trusted, allowed_hosts=NAMES)

    app.add_middleware(WithPolicy)
    theme = gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    return gr.mount_gradio_app(
        app, page.blocks, path="/", max_file_size=LARGEST, footer_links=[], run_history=False, ssr_mode=False,
        enable_monitoring=False, mcp_server=False, pwa=False, theme=theme, css=CSS,
    )  # fmt: skip


def serve(
    models: Sequence[Explored], features: Sequence[str], host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Serves the page until SIGINT or SIGTERM. `ready` is called with its address.

    Uploads and pictures are kept in a temporary folder, which goes with the server.
    """
    uvicorn = package("uvicorn", "explore")
    with listening(host, port) as door, tempfile.TemporaryDirectory(prefix="gancore-explore-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder))
        app = application(models, features, host)
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{door.getsockname()[1]}/")
        for number in (signal.SIGINT, signal.SIGTERM):  # which uvicorn raises again when it has ended
            signal.signal(number, signal.default_int_handler)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        try:
            uvicorn.Server(config).run(sockets=[door])
        except KeyboardInterrupt:
            return
