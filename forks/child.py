"""One child process that cannot outlive this one, however this one ends."""

import atexit
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

_A_METHOD = re.compile(r"[a-z0-9]+_\w+$")  # anvil logs the name of each request

_LEASH = """
import ctypes, os, signal, sys
# PR_SET_PDEATHSIG: the kernel kills us when our parent dies, even of SIGKILL
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
os.getppid() == int(sys.argv[1]) or os._exit(1)  # it died before we asked
os.execv(sys.argv[2], sys.argv[2:])
"""

_WATCHDOG = """
import os, select, signal, sys
parent, child = int(sys.argv[1]), int(sys.argv[2])
while os.getppid() == parent and not select.select([0], [], [], 0.5)[0]:
    pass
os.kill(child, signal.SIGKILL)  # our parent is gone: its end of our standard input is closed
"""


class Child:
    """A process of *command*, in a session of its own, its output in an unnamed file, killed with this one.

    On Linux the kernel holds the leash. It watches the thread that started the child rather than the process,
    so beside the main thread, and on other systems, a second small process watches instead.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._owner, self._output = os.getpid(), ""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        leashed = sys.platform == "linux" and threading.current_thread() is threading.main_thread()
        self._process = subprocess.Popen(
            [*_python(_LEASH, self._owner), *command] if leashed else command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=env,
            start_new_session=True,  # Ctrl-C reaches us alone: we still need the child while we clean up
        )
        self._watchdog = None if leashed else _watch(self._owner, self._process.pid)
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def ended_within(self, wait_s: float) -> bool:
        """Whether it ends within *wait_s* seconds; its sockets close just before its exit code is known."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_s)
        return self.returncode is not None

    def output(self) -> str:
        """All that it printed so far, or until it was stopped."""
        if not self._log.closed:
            self._output = os.pread(self._log.fileno(), 1 << 20, 0).decode(errors="replace")
        return self._output

    def last_words(self) -> str:
        """What it printed last, on one line: from its last `Error` on, where there is one."""
        lines = [line for line in self.output().splitlines() if line.strip() and not _A_METHOD.match(line)]
        failed = [place for place, line in enumerate(lines) if line.lower().startswith("error")]
        return " ".join(line.strip() for line in lines[failed[-1] if failed else -1 :])[:300]

    def stop(self) -> None:
        """Kill the child and wait until it is gone; harmless when repeated, and in a fork of this process."""
        if os.getpid() != self._owner:
            return
        with uninterrupted():
            atexit.unregister(self.stop)
            self._process.kill()
            self._process.wait()
            if self._watchdog is not None:
                self._watchdog.kill()  # while its input is open: else it would kill an id that is free again
                self._watchdog.communicate()
            self.output()
            self._log.close()


def _python(code: str, *arguments: int) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *(str(argument) for argument in arguments)]


def _watch(parent: int, child: int) -> "subprocess.Popen[bytes]":
    quiet = subprocess.DEVNULL
    command = _python(_WATCHDOG, parent, child)
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
    )


@contextmanager
def exit_on_termination() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `SystemExit`, where nothing handles them, so that `finally` blocks run."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    taken: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        taken = [
            number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL
        ]
    for number in taken:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back while cleaning up, and deliver them after: half must not stay undone."""
    came: list[int] = []
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before[number] = signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in came[:1]:
        signal.raise_signal(number)
