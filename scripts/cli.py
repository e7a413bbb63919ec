"""The one door: `underwater VERB`, what a verb writes, and how it says that it cannot."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from forks.child import exit_on_termination

VERBS = ("crash", "frontier", "revisions", "replay", "incident")
"""Each is the command of that name in the module of that name; it is imported when it is called."""
INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number, as SIGTERM gives 143."""
PIPE_CLOSED = 141
"""Exit code where the reader of the output has left, as after `| head -1`: 128 and the number of SIGPIPE."""
STDOUT = "-"
WIDTH_OF_A_FILE = 118
"""Columns of the tables where standard output is no terminal."""
_NOT_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What a write to an open file fails with: disk or quota full, file too large, device gone, closed."""


class CannotWrite(click.ClickException):
    """A place that was given for a result does not take it."""

    exit_code = 2

    def __init__(self, what: str, error: OSError) -> None:
        super().__init__(f"{what} cannot be written ({error.strerror or error}); choose another place")


class _Verbs(click.Group):
    """Loads a verb when it is asked for, and says in one line why it ends early."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = getattr(import_module(f"scripts.{cmd_name}"), cmd_name)
        return command

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        with _one_line():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(sys.stdout, io.TextIOWrapper):  # a sign that the terminal lacks is no reason to fail
            sys.stdout.reconfigure(errors="backslashreplace")
        with _one_line(), exit_on_termination():
            return super().invoke(ctx)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="underwater")
def main() -> None:
    """Exact models of collateralized borrowing, checked integer by integer against the real contracts."""


# --- what a verb writes -------------------------------------------------------------------------------------


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--json PATH` of every verb; the verb hands its value `json_path` to `emit_json`."""
    return click.option(
        "--json", "json_path", metavar="PATH", help="Write the result as JSON; - for standard output."
    )(command)


def emit_json(result: Mapping[str, Any], path: str) -> None:
    """Write a result as JSON to standard output, which is `-`, or to a file: all of it or nothing.

    Raises `CannotWrite`.
    """
    text = json.dumps(result, indent=2, allow_nan=False) + "\n"
    if path == STDOUT:
        if sys.stdout is None:  # closed by whoever started us
            raise CannotWrite("standard output", OSError(errno.EBADF, os.strerror(errno.EBADF)))
        click.echo(text, nl=False)
        return
    try:
        _write_whole(Path(path), text)
    except OSError as error:
        raise CannotWrite(f"--json {path!r}", error) from None


def console() -> Console:
    """Standard output for a person: as wide as $COLUMNS or the terminal, else as `WIDTH_OF_A_FILE`."""
    screen = _Console(highlight=False)
    known = screen.is_terminal or "COLUMNS" in os.environ
    return screen if known else _Console(highlight=False, width=WIDTH_OF_A_FILE)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(
            errno.EPIPE, os.strerror(errno.EPIPE)
        )  # `_one_line` ends it; 1 is a failed check


def _write_whole(path: Path, text: str) -> None:
    """The file is replaced when all is written: a full disk leaves the old one, and nothing new beside it."""
    if path.exists() and not path.is_file():  # a pipe or a device is written to; a folder refuses it
        path.write_text(text, "utf-8")
        return
    path = Path(os.path.realpath(path))  # a link stays a link
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    part = path.with_name(f".underwater-{os.getpid()}.part")
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


# --- how a verb ends early ----------------------------------------------------------------------------------


@contextmanager
def _one_line() -> Iterator[None]:
    """End with one line on standard error and the exit code of the cause; a traceback is a defect of ours.

    The packages' errors and click's know their exit code: what has none is not meant for the user.
    """
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise  # its text is the help
    except click.exceptions.Exit:
        raise  # no failure: how click ends `--help`
    except KeyboardInterrupt:
        _end("interrupted", INTERRUPTED)
    except SystemExit as leaving:
        if isinstance(leaving.code, int) and leaving.code > 128:
            _end("terminated", leaving.code)
        raise
    except Exception as error:
        told = _told(error)
        if told is None:
            raise
        _end(*told)


def _told(error: Exception) -> tuple[str, int] | None:
    """What to say of an error, and the exit code; nothing for a defect of ours."""
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):
        said = error.format_message() if isinstance(error, click.ClickException) else str(error)
        return " ".join(line.strip() for line in said.splitlines()), code
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.EPIPE:
        return "", PIPE_CLOSED
    if error.filename is not None:
        return f"{str(error.filename)!r} cannot be used ({error.strerror})", 2
    if error.errno in _NOT_WRITTEN:
        return f"the output cannot be written ({error.strerror}); choose another place", 2
    return None


def _end(said: str, code: int) -> None:
    """Leave; what standard output did not take is dropped, or the interpreter would complain once more."""
    with suppress(OSError):
        if said:
            click.echo(f"underwater: {said}", err=True)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            _drop(stream.fileno())
    sys.exit(code)


def _drop(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
