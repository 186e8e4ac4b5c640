"""Faults of the course that no compiler finds: each check returns findings in words, an empty list when all is well."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.book.editions import findings
from tools.book.extension import read_ledger
from tools.book.measured import bare_numbers
from tools.book.pages import code_cells, text_pages
from tools.book.sources import glossary_links, literal_results, references
from tools.book.words import lost_links, spelling

__all__ = [
    "CHECKS",
    "alt_texts",
    "contents",
    "ledger_uses",
    "notebooks_without_outputs",
    "plain_files",
    "run_all",
    "style",
    "theorem_tests",
]

THEOREMS = ("theorem", "proposition", "lemma", "corollary")
STATEMENT = re.compile(r"^(?:`{3,}|:{3,})\{prf:(" + "|".join(THEOREMS) + r")\}(.*?)^(?:`{3,}|:{3,})", re.M | re.S)
LABEL = re.compile(r"^:label:\s*(\S+)|^label:\s*(\S+)", re.M)
LEDGER_ROLE = re.compile(r"\{ledger\}`([^`]+)`")
FIGURE = re.compile(r"^(?:`{3,}|:{3,})\{(?:figure|image)\}.*?^(?:`{3,}|:{3,})\s*$", re.M | re.S)
EMPTY_IMAGE = re.compile(r"!\[\s*\]\([^)]*\)")
# A registry's host in a lock file ties it to one place; a machine's paths mean nothing elsewhere.
HOSTS = ("pypi." + "org", "python" + "hosted.org", "registry." + "npm", "npm" + "js.org", "deb.debian" + ".org")
PATHS = tuple(f"/{name}/" for name in ("work", "root", "opt/wheels", "tmp/boot"))
READABLE = {
    ".py",
    ".md",
    ".toml",
    ".yml",
    ".yaml",
    ".json",
    ".lock",
    ".ipynb",
    ".sh",
    ".css",
    ".js",
    ".bib",
    ".txt",
    "",
}


def contents(root: Path) -> list[str]:
    """Chapters and labs that the table of contents lacks, and entries of it that lead nowhere.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    import yaml

    listed = set(_entries(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))
    book = root / "book"
    pages = {
        page
        for pattern in ("[0-9]*/*.md", "[0-9]*/*.ipynb", "appendices/*.md", "problem_sets/*.md", "api/*.md")
        for page in book.glob(pattern)
    }
    names = {page.relative_to(book).with_suffix("").as_posix() for page in pages}
    lost = [f"_toc.yml names {name}, and book/ has no such page" for name in sorted(listed) if not _exists(book, name)]
    return lost + [f"book/{name} is not in _toc.yml" for name in sorted(names - listed)]


def theorem_tests(root: Path) -> list[str]:
    """Statements of the book that no test tries to falsify, or that have no label.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    tests = "\n".join(file.read_text(encoding="utf-8") for file in sorted((root / "tests").rglob("test_*.py")))
    names = set(re.findall(r"def (test_\w+)\(", tests))
    findings = []
    for page, kind, label in _statements(root):
        wanted = "test_" + label.replace("-", "_")
        if not label:
            findings.append(f"{page}: a {kind} has no label")
        elif not any(name == wanted or name.startswith(f"{wanted}_") for name in names):
            findings.append(f"{page}: {kind} {label} has no test {wanted}")
    return findings


def ledger_uses(root: Path) -> list[str]:
    """Numbers that a page quotes and the ledger does not have, and faults of the ledger itself.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    try:
        known = read_ledger(root / "book" / "ledger.json")
    except ValueError as error:
        return [str(error)]
    marks = [f"ledger.json: {key} has mark {entry['mark']!r}, and only V and R may be quoted"
             for key, entry in known.items() if entry["mark"] not in {"V", "R"}]  # fmt: skip
    used = ((page, key) for page, text in text_pages(root) for key in LEDGER_ROLE.findall(text))
    return marks + [f"{page}: the ledger has no {key}" for page, key in used if key not in known]


def alt_texts(root: Path) -> list[str]:
    """Figures that say nothing to someone who cannot see them.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    findings = []
    for page, text in text_pages(root):
        figures = [block for block in FIGURE.findall(text) if not re.search(r"^:alt:\s*\S", block, re.M)]
        cells = [cell for cell in code_cells(text) if "figure:" in cell and not re.search(r"^\s+alt:", cell, re.M)]
        findings += [f"{page}: no alt text: {block.splitlines()[0]}" for block in figures]
        findings += [f"{page}: no alt text: {_name_of(cell)}" for cell in cells]
        findings += [f"{page}: no alt text: {image}" for image in EMPTY_IMAGE.findall(text)]
    return findings


def notebooks_without_outputs(root: Path) -> list[str]:
    """Notebooks that were saved with outputs or counts: the book computes them when it is built.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    findings = []
    for folder in ("book", "solutions", "exercises"):
        for file in sorted((root / folder).rglob("*.ipynb")):
            if ".ipynb_checkpoints" in file.parts:
                continue
            cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
            if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
                findings.append(f"{file.relative_to(root).as_posix()} has outputs: clear them before committing")
    return findings


def plain_files(root: Path) -> list[str]:
    """Committed files that name a package registry's host or a path of somebody's machine.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    findings = []
    for file in _tracked(root):
        text = file.read_text(encoding="utf-8", errors="replace")
        findings += [
            f"{file.relative_to(root).as_posix()} names {found}" for found in (*HOSTS, *PATHS) if found in text
        ]
    return findings


def style(root: Path) -> list[str]:
    """What ruff finds.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    rules = _ruff(root, "check", "--output-format", "concise", "--quiet")
    return rules + _ruff(root, "format", "--check", "--quiet")


def run_all(root: Path) -> dict[str, list[str]]:
    """Every check of `CHECKS`.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : dict of str to list of str
        By what was looked at, in words.
    """
    return {title: check(root) for title, check in CHECKS.items()}


CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "style (ruff)": style,
    "table of contents": contents,
    "a test for each theorem": theorem_tests,
    "quoted numbers in the ledger": ledger_uses,
    "no result of a paper typed out": literal_results,
    "measured numbers by role": bare_numbers,
    "references": references,
    "glossary": glossary_links,
    "alt texts": alt_texts,
    "spelling": spelling,
    "translations": findings,
    "links within the course": lost_links,
    "notebooks without outputs": notebooks_without_outputs,
    "no hosts or machine paths": plain_files,
}


def _entries(tree: dict) -> Iterator[str]:
    for key in ("root", "file"):
        if key in tree:
            yield tree[key]
    for key in ("parts", "chapters", "sections"):
        for branch in tree.get(key, ()):
            yield from _entries(branch)


def _exists(book: Path, name: str) -> bool:
    return any((book / name).with_name(f"{Path(name).name}{suffix}").is_file() for suffix in (".md", ".ipynb"))


def _statements(root: Path) -> Iterator[tuple[str, str, str]]:
    for page, text in text_pages(root):
        for kind, body in STATEMENT.findall(text):
            label = LABEL.search(body)
            yield page, kind, next(filter(None, label.groups())) if label else ""


def _name_of(cell: str) -> str:
    name = re.search(r"^\s+name:\s*(\S+)", cell, re.M)
    return name[1] if name else "a figure without a name"


def _tracked(root: Path) -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=False)
    for name in filter(None, listed.stdout.split("\0")):
        file = root / name
        if file.suffix in READABLE and file.is_file():
            yield file


def _ruff(root: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "ruff", *arguments, "."]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return (ran.stdout + ran.stderr).splitlines() if ran.returncode else []
