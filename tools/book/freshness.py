"""What has changed since the last build: for the whole book, and for each page that runs code.

A page's outputs depend on its own code and on the parts of the package that the code reaches. The execution cache knows
the first; this module adds the second, so that a change in ``transport.py`` runs again the pages that import it,
directly or through another module, and no others.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tools.book.pages import code_cells

__all__ = ["book_digest", "code_of", "edition_digest", "modules_reached", "page_digests"]

LOCALE = "locale"  # translations, of which the English book knows nothing
PACKAGES = ("wgan_course", "wgan_grader")  # a subpackage of theirs counts as a whole; of `tools`, the file alone
CELL_OPTIONS = re.compile(r"\A(---\n.*?^---\n|(:[^\n]*\n)+)", re.MULTILINE | re.DOTALL)


def book_digest(root: Path) -> str:
    """A digest of everything that the built book depends on.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    digest : str
        SHA-256 of the names and contents of the book's sources, the packages, the builder, and the lock files.
    """
    single = [root / name for name in ("_config.yml", "_toc.yml", "requirements.lock", "package-lock.json")]
    folders = ("book", "exercises", "tools/book", *PACKAGES)
    return _digest(root, [*single, *(file for folder in folders for file in _files(root / folder))])


def edition_digest(root: Path) -> str:
    """A digest of everything that an edition in another language depends on: the book, and the translations.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    digest : str
    """
    return book_digest(root) + _digest(root, (root / "book" / LOCALE).rglob("*.po"))


def page_digests(root: Path) -> dict[str, str]:
    """For each page that runs code, a digest of what its outputs depend on besides its own code.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    digests : dict of str to str
        From the page's path in ``book/``, to SHA-256 of the package files that its code reaches, of the data files
        beside it and in ``book/results``, and of the lock file.
    """
    book = root / "book"
    pages = [page for page in _files(book) if page.suffix in {".md", ".ipynb"}]
    found = {page: code_of(page) for page in pages}
    return {
        page.relative_to(book).as_posix(): _digest(root, _dependencies(root, page, code))
        for page, code in found.items()
        if code
    }


def code_of(page: Path) -> str:
    """The Python code of a notebook or of a text page with code cells, without magics.

    Parameters
    ----------
    page : Path
        An ``.ipynb`` or MyST ``.md`` file.

    Returns
    -------
    code : str
        Empty when the page runs nothing.
    """
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    else:
        cells = [CELL_OPTIONS.sub("", body) for body in code_cells(text)]
    lines = "\n".join(cells).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


def modules_reached(root: Path, code: str) -> set[Path]:
    """Files of the package that a piece of code imports, directly or through other files of the package.

    A subpackage counts as a whole, with its data: its modules are often found by name only.

    Parameters
    ----------
    root : Path
        The course's folder.
    code : str
        Python source.

    Returns
    -------
    files : set of Path
    """
    reached: set[Path] = set()
    waiting = _imports(root, code, "")
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting |= _imports_of_file(root, file)
    return reached


def _dependencies(root: Path, page: Path, code: str) -> set[Path]:
    beside = {file for file in page.parent.iterdir() if file.is_file() and file.suffix not in {".md", ".ipynb"}}
    return modules_reached(root, code) | beside | set(_files(root / "book" / "results")) | {root / "requirements.lock"}


@cache
def _imports_of_file(root: Path, file: Path) -> frozenset[Path]:
    if file.suffix != ".py":
        return frozenset()
    parent = ".".join(file.relative_to(root).parent.parts)
    return frozenset(_imports(root, file.read_text(encoding="utf-8"), parent))


def _imports(root: Path, code: str, parent: str) -> set[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, parent)
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    ours = [name for name in names if name.split(".")[0] in {*PACKAGES, "tools"}]
    return {file for name in ours for file in _files_of(root, name)}


def _absolute(node: ast.ImportFrom, parent: str) -> str:
    if not node.level:
        return node.module or ""
    parts = parent.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])


def _files_of(root: Path, name: str) -> list[Path]:
    parts = name.split(".")
    if parts[0] == "tools":
        module = root.joinpath(*parts).with_suffix(".py")
        return [module] if module.is_file() else []
    if len(parts) == 1:
        return [root / parts[0] / "__init__.py"]
    first = root / parts[0] / parts[1]
    if first.is_dir():
        return _files(first)
    module = first.with_suffix(".py")
    return [module] if module.is_file() else []


def _files(folder: Path) -> list[Path]:
    found = (file for file in sorted(folder.rglob("*")) if file.is_file()) if folder.is_dir() else ()
    return [file for file in found if not _is_skipped(file.relative_to(folder))]


def _is_skipped(inside: Path) -> bool:
    built = inside.parts[0] == "assets" and len(inside.parts) > 1 and inside.parts[1] in {"vendor", ".stamp"}
    elsewhere = inside.parts[:1] == (LOCALE,) or bool({"__pycache__", ".ipynb_checkpoints"} & set(inside.parts))
    return built or elsewhere or inside.name == ".stamp"


def _digest(root: Path, files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in sorted(set(files)):
        total.update(f"{file.relative_to(root).as_posix()}\0".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()
