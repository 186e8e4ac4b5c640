"""One build of the book: fetch the scripts, forget stale outputs, run Sphinx with Jupyter Book's settings."""

import json
import logging
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tools.book import assets, freshness
from tools.book.execution import kernel_environment

__all__ = ["BookError", "Built", "build", "is_fresh", "run_sphinx", "settings"]

# Jupyter Book loads these for services on other hosts (live kernels, comments, links between sites).
UNWANTED = {"sphinx_thebe", "sphinx_comments", "sphinx.ext.intersphinx"}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_log = logging.getLogger(__name__)


class BookError(RuntimeError):
    """The book was not built."""


@dataclass(frozen=True)
class Built:
    """A finished build.

    Attributes
    ----------
    index : Path
        The first page.
    fresh : bool
        True if nothing had changed, so that nothing was done.
    """

    index: Path
    fresh: bool


def is_fresh(root: Path) -> bool:
    """Whether the built book is that of the present sources.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    fresh : bool
    """
    record = root / "_build" / "book.json"
    if not record.is_file() or not (root / "_build" / "html" / "index.html").is_file():
        return False
    return json.loads(record.read_text())["book"] == freshness.book_digest(root)


def build(root: Path, force: bool = False, status: TextIO | None = None, warnings: TextIO | None = None) -> Built:
    """Run the pages that have to run, and write ``_build/html``. Any warning makes it fail.

    Parameters
    ----------
    root : Path
        The course's folder.
    force : bool
        Run and write every page again.
    status, warnings : file, optional
        Where Sphinx reports; nowhere and standard error when absent.

    Returns
    -------
    built : Built

    Raises
    ------
    BookError
        If a page could not be run or written, or something was warned of.
    AssetError
        If the scripts could not be fetched.
    """
    index = root / "_build" / "html" / "index.html"
    if not force and is_fresh(root):
        return Built(index, fresh=True)
    digest, pages = freshness.book_digest(root), freshness.page_digests(root)
    assets.ensure_assets(root)
    _forget_stale_outputs(root, pages, force)
    record = root / "_build" / "book.json"
    record.unlink(missing_ok=True)
    run_sphinx(root, settings(root), index.parent, ".doctrees", force, status, warnings)
    record.write_text(json.dumps({"book": digest}))
    return Built(index, fresh=False)


def _forget_stale_outputs(root: Path, pages: dict[str, str], force: bool) -> None:
    """Drop the cached outputs of each page whose dependencies changed, and the page's parsed form."""
    record = root / "_build" / "pages.json"
    before = json.loads(record.read_text()) if record.is_file() and not force else {}
    stale = {page for page, digest in pages.items() if before.get(page) != digest}
    for page in stale:
        _log.info("%s, or code that it uses, is new: it runs again", page)
        (root / "_build" / ".doctrees" / page).with_suffix(".doctree").unlink(missing_ok=True)
    _drop_cached(root, stale)
    record.parent.mkdir(exist_ok=True)
    record.write_text(json.dumps(pages, indent=1))


def _drop_cached(root: Path, pages: set[str]) -> None:
    folder = root / "_build" / ".jupyter_cache"
    if not folder.is_dir():
        return
    from jupyter_cache import get_cache

    cache, wanted = get_cache(folder), {str(root / "book" / page) for page in pages}
    records: list[Any] = cache.list_cache_records()  # rows of a table, which it types as columns
    for record in records:
        if record.uri in wanted:
            cache.remove_cache(record.pk)


def settings(root: Path) -> dict[str, Any]:
    """Sphinx's settings of the book: those that Jupyter Book makes of ``_config.yml``, less what asks other hosts.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    settings : dict
    """
    from jupyter_book.config import get_final_config

    overrides: dict[str, Any] = {
        "external_toc_path": str(root / "_toc.yml"),
        "latex_individualpages": False,
        "nitpicky": True,
    }
    found: dict[str, Any]
    found, _ = get_final_config(
        user_yaml=root / "_config.yml", cli_config=overrides, sourcedir=root / "book", raise_on_invalid=True
    )
    found["extensions"] = [name for name in dict.fromkeys(found["extensions"]) if name not in UNWANTED]
    for name in ("intersphinx_mapping", "comments_config"):
        found.pop(name, None)
    found["nb_execution_cache_path"] = str(root / "_build" / ".jupyter_cache")
    return found


def _page_error(error: Exception) -> str:
    """The words of a page that did not run: which, and the end of what its kernel said."""
    said = COLOURS.sub("", str(error.__cause__ or "")).strip().splitlines()[-25:]
    return "\n".join([f"a page did not run: {error}", *said])


def run_sphinx(
    root: Path,
    overrides: dict[str, Any],
    out: Path,
    doctrees: str,
    force: bool = False,
    status: TextIO | None = None,
    warnings: TextIO | None = None,
) -> None:
    """Write the pages with some settings; any warning makes it fail.

    Parameters
    ----------
    root : Path
        The course's folder.
    overrides : dict
        Sphinx's settings.
    out : Path
        Where the pages go.
    doctrees : str
        Name of the folder in ``_build`` where what was read is kept.
    force : bool
        Read and write every page again.
    status, warnings : file, optional
        As for `build`.

    Raises
    ------
    BookError
        If a page could not be run or written, or something was warned of.
    """
    kept = root / "_build" / doctrees
    try:
        _run_app(root, overrides, out, kept, force, status, warnings or sys.stderr)
    except BookError:
        # Sphinx warns of a page only when it reads it: it shall read them all again, and warn again.
        shutil.rmtree(kept, ignore_errors=True)
        raise


def _run_app(
    root: Path,
    overrides: dict[str, Any],
    out: Path,
    doctrees: Path,
    force: bool,
    status: TextIO | None,
    warnings: TextIO,
) -> None:
    from myst_nb.core.execute.base import ExecutionError
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    try:
        with kernel_environment(), patch_docutils(None), docutils_namespace():
            app = Sphinx(
                srcdir=root / "book",
                confdir=None,
                outdir=out,
                doctreedir=doctrees,
                buildername="html",
                confoverrides=overrides,
                status=status,
                warning=warnings,
                freshenv=force,
                warningiserror=True,
                keep_going=True,
            )
            app.build(force)
    except ExecutionError as error:
        raise BookError(_page_error(error)) from error
    except SphinxError as error:
        raise BookError(f"Sphinx stopped: {error}") from error
    if app.statuscode:
        raise BookError("the book has warnings, listed above, and each counts as an error")
