"""The command `gancore`: thin commands over the other rooms.

A command is imported when it is used, so that listing plugins does not wait for torch. Exit codes: 0 done,
1 a run failed, 2 the request was wrong (nothing was started), 3 interrupted (saved).
"""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec

import click

from gancore.errors import GancoreError, PluginError, did_you_mean
from gancore.version import __version__

COMMANDS = {
    "plugins": ("gancore.cli.plugins:plugins", "List, show, write and check plugins."),
    "validate": ("gancore.cli.validate:validate", "Check an experiment and print it resolved."),
    "schema": ("gancore.cli.schema:schema", "Write the JSON Schema of experiment files, for editors."),
    "train": ("gancore.cli.train:train", "Train an experiment, or go on with a run."),
    "runs": ("gancore.cli.runs:runs", "List and compare runs."),
    "sample": ("gancore.cli.sample:sample", "Generate images from a trained model."),
    "mix": ("gancore.cli.mix:mix", "Mix the styles of two sets of latents."),
    "interpolate": ("gancore.cli.interpolate:interpolate", "Walk between latents and write a video."),
    "project": ("gancore.cli.project:project", "Find the latent of a given image."),
    "evaluate": ("gancore.cli.evaluate:evaluate", "Compute metrics of a trained model."),
    "analyze": ("gancore.cli.analyze:analyze", "Run an analysis on trained models."),
    "explore": ("gancore.cli.explore:explore", "Open a model in the browser."),
    "grid": ("gancore.cli.grid:grid", "Run a grid of experiments and report on it."),
    "plan": ("gancore.cli.plan:plan", "Estimate parameters, memory and time of an experiment."),
    "data": ("gancore.cli.data:data", "Convert and inspect data sets."),
    "import": ("gancore.cli.import_:import_", "Read a checkpoint of another implementation."),
    "export": ("gancore.cli.export:export", "Write a model for use elsewhere."),
    "inspect": ("gancore.cli.inspect:inspect", "Show what a model or checkpoint file holds."),
    "verify": ("gancore.cli.verify:verify", "Check the files of a run folder."),
    "cite": ("gancore.cli.cite:cite", "Print the papers behind an experiment."),
}
"""Command to where it is defined and its line in the help, in the order of the help."""

CLOSED_PIPE = 141  # what a shell reports for a program that writes to a reader which is gone: 128 + SIGPIPE


class Commands(click.Group):
    """The root group: knows its commands by name and imports the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, (target, _) in COMMANDS.items() if find_spec(target.partition(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args[0] not in known and not args[0].startswith("-"):
            ctx.fail(f"no command {args[0]!r}; {did_you_mean(args[0], known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # before click, which would call it a failure
            raise click.exceptions.Exit(CLOSED_PIPE) from None
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
    """Runs a command line and returns its exit code; what a person can mend is told without a traceback."""
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


def _open_closed_streams() -> None:
    """Python has None for a stream that was closed before it started (`>&-`); what is said there goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (open until the end)


def _refused(message: str, code: int) -> int:
    """Tells why, where stderr takes it, and gives the exit code back."""
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
    """Drops what stdout cannot take; else the interpreter fails once more when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
