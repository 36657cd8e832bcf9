"""Options that several commands share."""

import click

overrides = click.option(
    "-o", "--override", multiple=True, metavar="KEY=VALUE", help="Change one key of the experiment; repeatable."
)

device = click.option(
    "--device",
    default="auto",
    show_default=True,
    help="cpu, mps, cuda, cuda:N; auto takes cuda, else mps, else cpu.",
)

trust_local_plugins = click.option(
    "--trust-local-plugins",
    "trust",
    flag_value=True,
    default=None,
    help="Execute plugin files that a run or grid folder, or a model, brings along.",
)
