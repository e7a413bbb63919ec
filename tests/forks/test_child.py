"""A child process is gone whatever ends its parent, and is not taken for gone while it runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from forks.child import Child, exit_on_termination, uninterrupted
from tests.forks.processes import is_alive, running, wait_until_gone

SLEEPER = ["/bin/sh", "-c", "echo awake; exec sleep 60"]
START = """
import os, sys, threading, time
from pathlib import Path
from forks.child import Child, exit_on_termination
def start():
    child = Child(["/bin/sh", "-c", "exec sleep 60"], cwd=Path("/"), env=os.environ)
    print(child.pid, flush=True)
    return child
"""
PROGRAMS = {
    "main thread": START + "child = start(); time.sleep(60)",
    "another thread": START + "threading.Thread(target=start).start(); time.sleep(60)",
    "terminated as an exit": START + "with exit_on_termination(): child = start(); time.sleep(60)",
    "an error": START + "child = start(); time.sleep(0.2); raise ZeroDivisionError",
}
SIGNALS = [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_child_is_gone_when_its_parent_ends(program: str, number: signal.Signals):
    with running(PROGRAMS[program]) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert program == "an error" or is_alive(pid)
        parent.send_signal(number)

    wait_until_gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
def test_the_kernel_holds_the_leash_of_a_child_of_the_main_thread(tmp_path: Path):
    ask = "import ctypes; n = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(n)); print(n.value)"
    child = Child([sys.executable, "-I", "-c", ask], cwd=tmp_path, env=os.environ)
    assert child.ended_within(30)
    child.stop()

    assert int(child.output()) == signal.SIGKILL


def test_a_child_without_a_leash_outlives_its_parent():
    program = "import subprocess; print(subprocess.Popen(['/bin/sh', '-c', 'exec sleep 60']).pid, flush=True)"
    with running(program) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
    try:
        assert is_alive(pid)  # so the tests above can fail
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_child_is_stopped_once_and_its_output_stays(tmp_path: Path):
    child = Child(SLEEPER, cwd=tmp_path, env=os.environ)
    while not child.output():
        assert child.returncode is None
    child.stop()
    child.stop()

    assert child.returncode == -signal.SIGKILL
    assert child.last_words() == "awake"
    assert not is_alive(child.pid)


def test_the_last_words_start_at_the_last_error_and_leave_out_the_names_of_requests(tmp_path: Path):
    printed = [
        "Listening",
        "eth_call",
        "    Error: reverted",
        "Error: no block",
        "",
        "Context:",
        "- 404",
        "eth_chainId",
    ]
    script = "; ".join(f"echo '{line}'" for line in printed)
    child = Child(["/bin/sh", "-c", script], cwd=tmp_path, env=os.environ)
    assert child.ended_within(30)
    child.stop()

    assert child.last_words() == "Error: no block Context: - 404"


def test_a_command_that_is_not_there_says_so(tmp_path: Path):
    child = Child([str(tmp_path / "nothing")], cwd=tmp_path, env=os.environ)
    assert child.ended_within(30)
    child.stop()

    assert child.returncode == 1
    assert "nothing" in child.last_words() or "No such file" in child.last_words()


def test_an_interrupt_while_cleaning_up_comes_after_it():
    done: list[str] = []

    def clean_up() -> None:
        signal.raise_signal(signal.SIGINT)
        done.append("cleaned up")

    with pytest.raises(KeyboardInterrupt), uninterrupted():
        clean_up()

    assert done == ["cleaned up"]


def test_termination_is_an_exit_only_inside_and_only_where_nothing_else_handles_it():
    with exit_on_termination(), pytest.raises(SystemExit) as left:
        signal.raise_signal(signal.SIGTERM)

    assert left.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_handler_of_somebody_else_is_left_alone():
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with exit_on_termination():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert heard == [signal.SIGTERM]


def test_this_process_is_alive_and_one_that_ended_is_not():
    assert is_alive(os.getpid())
    with subprocess.Popen(["/bin/sh", "-c", "exit 0"]) as ended:
        wait_until_gone(ended.pid)
