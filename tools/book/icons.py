"""The theme's pictograms: of some 2,000, a page loads only those that the book shows."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

__all__ = ["only_used", "setup", "shown"]

SCRIPT = "_static/scripts/fontawesome.js"
NAME = re.compile(r"\bfa-([a-z0-9-]+)")
# name: [width, height, [aliases], "code point", path or paths], and the comma after it
ENTRY = re.compile(
    r'(?:"(?P<quoted>[\w-]+)"|(?P<plain>[A-Za-z_$][\w$]*))'
    r':\[\d+,\d+,\[(?P<aliases>[^\]]*)\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?'
)


def shown(folder: Path) -> set[str]:
    """Names of pictograms in the pages, and in the scripts that change them."""
    scripts = [*folder.glob("_static/*.js"), *folder.glob("_static/scripts/*.js")]
    files = [*folder.rglob("*.html"), *(file for file in scripts if file != folder / SCRIPT)]
    return {name for file in files for name in NAME.findall(file.read_text(encoding="utf-8"))}


def only_used(script: str, names: set[str]) -> str:
    """Font Awesome's script without the pictograms that have none of these names.

    Parameters
    ----------
    script : str
    names : set of str

    Returns
    -------
    script : str
    """

    def kept(entry: re.Match[str]) -> str:
        own = {entry["quoted"] or entry["plain"], *re.findall(r'"([\w-]+)"', entry["aliases"])}
        return entry[0] if own & names else ""

    return ENTRY.sub(kept, script)


def _lighten(app: Sphinx, error: Exception | None) -> None:
    file = Path(app.outdir) / SCRIPT
    if error is None and file.is_file():
        file.write_text(only_used(file.read_text(encoding="utf-8"), shown(Path(app.outdir))), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Lighten the script once the pages are written.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.connect("build-finished", _lighten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
