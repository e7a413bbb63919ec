"""Thin commands: parse, call, print; each is also a verb of the one console command."""
