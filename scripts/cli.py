"""The one door: `underwater VERB`."""

from __future__ import annotations

import click

from scripts.crash import crash


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="underwater")
def main() -> None:
    """Exact models of collateralized borrowing, checked integer by integer against the real contracts."""


main.add_command(crash)
