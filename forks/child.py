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
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_LEASH = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: the kernel kills us when our parent dies, even of SIGKILL
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
    """A process of *command*, in a session of its own, its output in an unnamed file, killed with this process.

    On Linux the kernel holds the leash. It watches the thread that started the child rather than the process, so beside the
    main thread, and on other systems, a second small process watches instead.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._owner = os.getpid()
        self._log = tempfile.TemporaryFile()
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

    def output(self) -> str:
        """All that it printed so far."""
        return os.pread(self._log.fileno(), 1 << 20, 0).decode(errors="replace")

    def last_words(self) -> str:
        """What it printed last, on one line: from its last `Error` on, where there is one."""
        lines = [line.strip() for line in self.output().splitlines() if line.strip()]
        failed = [place for place, line in enumerate(lines) if re.match(r"(?i)error\b", line)]
        return " ".join(lines[failed[-1] if failed else -1 :])[:300]

    def stop(self) -> None:
        """Kill the child and wait until it is gone; harmless when repeated, and in a fork of this process."""
        if os.getpid() != self._owner:
            return
        atexit.unregister(self.stop)
        self._process.kill()
        self._process.wait()
        if self._watchdog is not None:
            self._watchdog.kill()  # before its standard input closes, or it would kill a process id that is free again
            self._watchdog.communicate()
        self._log.close()


def _python(code: str, *arguments: int) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *(str(argument) for argument in arguments)]


def _watch(parent: int, child: int) -> "subprocess.Popen[bytes]":
    quiet = subprocess.DEVNULL
    command = _python(_WATCHDOG, parent, child)
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True)


@contextmanager
def exit_on_termination() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `SystemExit`, so that `finally` blocks run; only in the main thread, only where unhandled."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    taken: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        taken = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back while cleaning up: a second Ctrl-C must not leave half of it undone."""
    held = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
