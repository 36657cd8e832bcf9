"""The command `gancore`: thin commands over the other packages.

A command is imported when it runs, so that listing plugins does not wait for torch. Exit codes: 0 done,
1 a run failed, 2 the request was wrong (nothing was started), 3 interrupted (saved).
"""

import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from gancore.errors import GancoreError, PluginError, did_you_mean
from gancore.version import __version__

COMMANDS = {
    "plugins": ("gancore.cli.plugins:plugins", "List, show, write and check plugins."),
    "presets": ("gancore.cli.presets:presets", "List and show the experiments of the papers."),
    "validate": ("gancore.cli.validate:validate", "Check an experiment and print it resolved."),
    "schema": ("gancore.cli.schema:schema", "Write the JSON Schema of experiment files, for editors."),
    "train": ("gancore.cli.train:train", "Train an experiment, or continue a run."),
    "runs": ("gancore.cli.runs:runs", "List and compare runs."),
    "verify": ("gancore.cli.verify:verify", "Read back all files of a run or a grid."),
    "sample": ("gancore.cli.sample:sample", "Generate images from a trained model."),
    "evaluate": ("gancore.cli.evaluate:evaluate", "Compute metrics of a trained model."),
    "mix": ("gancore.cli.latents:mix", "Mix the styles of samples."),
    "interpolate": ("gancore.cli.latents:interpolate", "Make a film of a walk between samples."),
    "project": ("gancore.cli.latents:project", "Find the latents of images."),
    "analyze": ("gancore.cli.analyze:analyze", "Analyze a trained model: figures and numbers."),
    "explore": ("gancore.cli.explore:explore", "Play with trained models on a page."),
    "grid": ("gancore.cli.grid:grid", "Run a grid of experiments and report on it."),
    "plan": ("gancore.cli.plan:plan", "Estimate parameters, memory and time of an experiment."),
    "data": ("gancore.cli.data:data", "Convert and inspect data sets."),
    "import": ("gancore.cli.interop:import_", "Convert another project's checkpoint into a model."),
    "export": ("gancore.cli.export:export", "Write a model for other tools: ONNX, the hub, images."),
    "inspect": ("gancore.cli.interop:inspect", "Describe a checkpoint without loading it."),
    "diff": ("gancore.cli.interop:diff", "Compare the tensors of two files."),
    "cite": ("gancore.cli.cite:cite", "Print the papers behind an experiment."),
}
"""Commands with their modules and lines of help, in the order of the help."""

CLOSED_PIPE = 141  # a shell's code for a program whose reader is gone: 128 + SIGPIPE


class Commands(click.Group):
    """The root group: knows its commands by name and imports the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]!r}; {did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # before click, which would call it a failure
            raise click.exceptions.Exit(CLOSED_PIPE) from None
        except EOFError as error:  # click would say "interrupted"
            raise RuntimeError(f"EOFError: {error}") from error
        except SystemExit as error:  # no command ends the program, so a plugin tried to
            *_, (frame, line) = traceback.walk_tb(error.__traceback__)
            raise PluginError(f"a plugin tried to end gancore ({frame.f_code.co_filename}:{line})") from error


@click.group(cls=Commands, context_settings={"max_content_width": 100})
@click.version_option(__version__, message="gancore %(version)s")
def root() -> None:
    """A plugin-based, modular GAN architecture zoo for PyTorch.

    An experiment is one YAML file; `gancore train FILE` trains it.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code; reports mistakes of the user without a traceback."""
    _open_closed_streams()
    try:
        code = root.main(args, prog_name="gancore", standalone_mode=False)
        sys.stdout.flush()
    except GancoreError as error:
        return _refused(str(error), error.exit_code)
    except click.Abort:  # click's word for KeyboardInterrupt
        return _refused("interrupted", 3)
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return 2
    except BrokenPipeError:
        code = CLOSED_PIPE
    except OSError as error:
        return _refused(_reason(error), 2)
    if code == CLOSED_PIPE:
        _forget_output()
    return code if isinstance(code, int) else 0


def print_result(path: Path) -> None:
    """Prints the path of finished work. The work is done even if stdout fails."""
    try:
        click.echo(path)
    except OSError:
        _forget_output()


def _open_closed_streams() -> None:
    """Python has None for a stream that was closed before it started (`>&-`); this discards its output.

    Characters that a stream cannot encode (file names that are not UTF-8) are escaped, and never an error.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (open until the end)
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            with suppress(OSError):  # it flushes: the descriptor may be closed
                stream.reconfigure(errors="backslashreplace")


def _refused(message: str, code: int) -> int:
    """Prints the reason, if stderr works, and returns the exit code."""
    with suppress(OSError):
        click.echo(message, err=True)
    try:
        sys.stdout.flush()
    except OSError:
        _forget_output()
    return code


def _reason(error: OSError) -> str:
    """`path: reason`; a temporary file (gancore.artifacts.atomic) goes by the name of the file that it becomes."""
    path = error.filename2 or error.filename
    reason = error.strerror or str(error)
    return reason if path is None else f"{str(path).removesuffix('.tmp')}: {reason}"


def _forget_output() -> None:
    """Drops output that stdout cannot take, or the interpreter fails again when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
