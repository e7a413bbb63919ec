"""Real losses, replayed from their records: one package each, with the record beside the code.

An incident offers `report() -> Report`; it is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module

from stress.incidents.report import Report

INCIDENTS = {
    "aave-crv-2022": "Aave v2, 22 November 2022: a short of 92 million CRV outgrows its collateral",
    "compound-dai-2020": "Compound v2, 26 November 2020: a price of 1.095 liquidates a debt of 93 million DAI",
}
"""By name as on the command line: what it was, in a line."""


class UnknownIncident(Exception):
    """No incident has this name."""

    exit_code = 2

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no incident {name!r}: choose one of {', '.join(INCIDENTS)}")
        self.name = name


def replay_incident(name: str) -> Report:
    """Replay the incident of this name; raises `UnknownIncident`."""
    if name not in INCIDENTS:
        raise UnknownIncident(name)
    report: Report = import_module(f"stress.incidents.{name.replace('-', '_')}").report()
    return report
