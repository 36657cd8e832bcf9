"""Options that several commands share."""

from pathlib import Path

import click

overrides = click.option(
    "-o", "--override", multiple=True, metavar="KEY=VALUE", help="Change one key of the experiment; repeatable."
)

trust_local_plugins = click.option(
    "--trust-local-plugins", "trust", is_flag=True, help="Execute plugin files copied into a run folder."
)


def may_execute(experiment: Path, trust: bool) -> bool:
    """Whether files in an experiment's `plugins:` may be executed: one's own may, copies in a run folder if asked."""
    copied = experiment.name == "config.yaml" and (experiment.parent / "environment.json").exists()
    return trust or not copied
