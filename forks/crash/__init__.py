"""The crash on a node: one job, one twin and one ledger for every protocol; what differs is a `Venue`."""
