"""Where the book's numbers and statements come from: results of papers only through the ledger, references complete."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from tools.book.extension import read_ledger
from tools.book.pages import text_pages, without_code

__all__ = ["bibliography", "glossary_links", "literal_results", "references"]

ENTRY = re.compile(r"^@(\w+)\{([^,\s]+),(.*?)^\}", re.M | re.S)
FIELD = re.compile(r"^\s*(\w+)\s*=\s*[{\"](.*?)[}\"],?\s*$", re.M)
CITE = re.compile(r"\{cite[:\w]*\}`([^`]+)`")
ROLE = re.compile(r"\{\w[\w:]*\}`[^`]*`")
LINK = re.compile(r"\]\(([^)#\s]+)")
# A score of image models with a number after it: nobody but a paper reports these, since the course computes none.
SCORE = re.compile(
    r"\b(?:FIDs?|KID|IS|[Ii]nception [Ss]cores?)\b(?:\s+(?:of|is|was|to|from|at|=|about|around))*\s*\$?\d+\.\d"
)
PLACES = ("journal", "booktitle", "publisher", "howpublished", "eprint", "doi")


def bibliography(root: Path) -> dict[str, dict[str, str]]:
    """The entries of ``book/references.bib``.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    entries : dict of str to dict of str to str
        Fields by key, with the kind of entry as ``kind``.
    """
    text = (root / "book" / "references.bib").read_text(encoding="utf-8")
    return {key: {"kind": kind} | dict(FIELD.findall(body)) for kind, key, body in ENTRY.findall(text)}


def references(root: Path) -> list[str]:
    """Entries that lack author, title, year or a place to find them, that nobody cites, or that stand twice.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    text = (root / "book" / "references.bib").read_text(encoding="utf-8")
    entries, keys = bibliography(root), [key for _, key, _ in ENTRY.findall(text)]
    texts = [page for _, page in text_pages(root)] + [
        lab.read_text("utf-8") for lab in (root / "book").glob("*/*.ipynb")
    ]
    cited = {key.strip() for text in texts for found in CITE.findall(text) for key in found.split(",")}
    findings = [f"references.bib: {key} stands twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
    for key, entry in entries.items():
        missing = [name for name in ("author", "title", "year") if not entry.get(name)]
        missing += [] if any(entry.get(name) for name in PLACES) else ["a venue, arXiv number or DOI"]
        findings += [f"references.bib: {key} lacks {name}" for name in missing]
    findings += [f"references.bib: nobody cites {key}" for key in sorted(entries.keys() - cited)]
    return findings + [f"a page cites {key}, which references.bib lacks" for key in sorted(cited - entries.keys())]


def literal_results(root: Path) -> list[str]:
    """Results of papers that a page types out, where it should take them from the ledger.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str

    Notes
    -----
    Two nets. A distinctive result of the ledger (three significant digits and a decimal point, or a ± sign, from a
    paper) may not stand in a page's text. And no text may give an FID, KID or Inception score in digits.
    """
    numbers = {entry["text"] for entry in read_ledger(root / "book" / "ledger.json").values() if _is_distinctive(entry)}
    findings = []
    for page, text in text_pages(root):
        prose = ROLE.sub("", without_code(text))
        found = [number for number in sorted(numbers) if _stands_in(number, prose)] + SCORE.findall(prose)
        findings += [f"{page}: {number!r} is a quoted result; take it from the ledger" for number in found]
    return findings


def glossary_links(root: Path) -> list[str]:
    """Terms of the glossary without a link to a chapter that exists.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    page = root / "book" / "appendices" / "glossary.md"
    findings = []
    for term, meaning in _terms(page.read_text(encoding="utf-8")):
        links = LINK.findall(meaning)
        findings += [] if links else [f"glossary: {term} has no link to a chapter"]
        findings += [f"glossary: {term} leads to {link}, which is not there"
                     for link in links if not (page.parent / link).is_file()]  # fmt: skip
    return findings


def _terms(text: str) -> Iterator[tuple[str, str]]:
    """Terms and meanings of a list of definitions: a line, and below it one that begins with a colon."""
    lines = text.splitlines()
    for term, meaning in itertools.pairwise(lines):
        if meaning.startswith(": "):
            yield term, meaning


def _is_distinctive(entry: dict) -> bool:
    digits = re.sub(r"\D", "", entry["text"]).lstrip("0")
    long = "." in entry["text"] and len(digits) >= 3
    return entry["mark"] == "V" and entry["where"] != "default settings" and ("±" in entry["text"] or long)


def _stands_in(number: str, prose: str) -> bool:
    pattern = re.escape(number).replace(r"\ ", r"\s*")
    return re.search(rf"(?<![\d.]){pattern}(?!\d|\.\d)", prose) is not None
