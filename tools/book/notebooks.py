"""Sphinx extension: notebooks that can be taken away, and launch buttons where there is a repository.

The built book holds each lab (in ``_sources``) and each problem set (in ``_downloads``) as a notebook. Each gets a
first cell that says how to get the course's package where it is missing, and a lab's page a link to its notebook.
"""

import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

__all__ = ["add_first_cell", "first_cell", "setup"]

LAB = re.compile(r"\d\d_[^/]+/lab")
LINK = '<p class="lab-download"><a class="reference download" href="{address}" download>Download this notebook</a></p>'
FIRST = """# This notebook needs the course's package. Where it is missing, this cell says how to get it.
import importlib.util

if importlib.util.find_spec("wgan_course") is None:
    raise ModuleNotFoundError(
        "the course's package is not here. In the course's folder, `make lab` opens this notebook with it. "
        "Elsewhere, run in a cell:  %pip install -q '{source}'  {hint}then restart the kernel."
    )
"""
FOLDER = ("./course[lab,grade]", "(with the path of the course's folder in the place of ./course), ")
CELL = "get-the-package"


def first_cell(repository: str = "", branch: str = "main") -> str:
    """The code that stops with advice where the package is missing.

    Parameters
    ----------
    repository : str
        Address of the course's repository; empty where there is none.
    branch : str

    Returns
    -------
    code : str
    """
    source, hint = (f"wgan-course[lab,grade] @ git+{repository}@{branch}", "") if repository else FOLDER
    return FIRST.format(source=source, hint=hint)


def add_first_cell(notebook: dict[str, Any], code: str) -> bool:
    """Put the cell before all others, if the notebook uses the package and does not have it yet.

    Parameters
    ----------
    notebook : dict
        Changed in place.
    code : str

    Returns
    -------
    changed : bool
    """
    cells = notebook["cells"]
    uses = any("wgan_course" in "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    if not uses or cells[0].get("id") == CELL:
        return False
    cell: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": code}
    if (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5):
        cell["id"] = CELL
    cells.insert(0, cell)
    return True


def _prepare(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    theme = app.config.html_theme_options
    code = first_cell(theme.get("repository_url", ""), theme.get("repository_branch") or "main")
    out = Path(app.outdir)
    for file in (found for folder in ("_sources", "_downloads") for found in (out / folder).rglob("*.ipynb")):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        if add_first_cell(notebook, code):
            file.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _offer(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Put a link to its notebook under the title of a lab."""
    if LAB.fullmatch(pagename) and "body" in context:
        address = f"{context['pathto']('_sources', 1)}/{context['sourcename']}"
        context["body"] = context["body"].replace("</h1>", "</h1>\n" + LINK.format(address=address), 1)


def _launch(app: Sphinx, config: Config) -> None:
    """No launch button leads anywhere without a repository."""
    if not config.html_theme_options.get("repository_url"):
        config.html_theme_options["launch_buttons"] = {}


def setup(app: Sphinx) -> dict[str, Any]:
    """Hook in.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.connect("config-inited", _launch)
    app.connect("html-page-context", _offer)
    app.connect("build-finished", _prepare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
