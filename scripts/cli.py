"""The one door: `underwater VERB`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import click

from forks.child import exit_on_termination

VERBS = ("crash", "frontier", "revisions", "replay", "incident")
"""Each is the command of that name in the module of that name; it is imported when it is called."""
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number, as SIGTERM gives 143."""


class _Verbs(click.Group):
    """Loads a verb when it is asked for, and says in one line why it ends early."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"scripts.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with exit_on_termination():
                return super().invoke(ctx)
        except click.UsageError as error:
            error.ctx = None  # one line, without the usage above it
            raise
        except KeyboardInterrupt:
            click.echo("underwater: interrupted", err=True)
            sys.exit(INTERRUPTED)
        except SystemExit as leaving:
            if isinstance(leaving.code, int) and leaving.code > 128:
                click.echo("underwater: terminated", err=True)
            raise


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="underwater")
def main() -> None:
    """Exact models of collateralized borrowing, checked integer by integer against the real contracts."""
