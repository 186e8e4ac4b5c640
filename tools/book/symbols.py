"""Every symbol of the book's formulas, chapter by chapter: ``python -m tools.book.symbols [SYMBOL ...]``.

With symbols as arguments, each formula that uses one of them for the first time in a chapter is shown with the words
around it. ``book/notation.md`` says what each symbol means; its table of reuse names those that mean something else in
some chapters.
"""

import argparse
import re
import sys
from collections import Counter
from pathlib import Path

from tools.book.pages import text_pages, without_code

__all__ = ["defined", "formulas", "reused", "symbols_of", "uses"]

FORMULA = re.compile(r"\$\$(.*?)\$\$|(?<![\\$])\$([^$]+)\$", re.S)
TRANSPOSED = r"\\mathsf\s*\{?T\}?|\\mathrm\s*d(?![A-Za-z])"  # and the d of an integral
TEXT = re.compile(rf"{TRANSPOSED}|\\(?:text|operatorname|mathrm|label|begin|end|mathbf|textstyle)\*?\{{[^}}]*\}}")
SYMBOL = re.compile(r"\\(?:hat|tilde|bar|dot|mathcal|mathbb)\s*\{?\s*(?:\\[A-Za-z]+|[A-Za-z])\}?|\\[A-Za-z]+|[A-Za-z]")
NAMES = "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega"
GREEK = rf"\\(?:var)?(?:{'|'.join(NAMES.split())})|\\(?:Gamma|Delta|Theta|Lambda|Pi|Sigma|Phi|Psi|Omega)"
ACCENT = r"\\(?:hat|tilde|bar|dot|mathcal|mathbb)"
LETTER = re.compile(rf"(?:{ACCENT})?(?:{GREEK}|[A-Za-z])")
MACRO = re.compile(r"\\(KL|JS|TV|Lip|E)(?![A-Za-z])")
CHAPTER = re.compile(r"book/(\d\d)_")
REUSE = "## Letters with a second meaning"


def formulas(text: str) -> list[str]:
    """The formulas of a page, in its order.

    Parameters
    ----------
    text : str
        A page in MyST Markdown.
    """
    return [block or inline for block, inline in FORMULA.findall(without_code(text))]


def symbols_of(formula: str) -> list[str]:
    """The letters of a formula, with their accents; words, operators and the macros of relations are left out.

    Parameters
    ----------
    formula : str
        In TeX, without its dollars.
    """
    macros = [f"\\{name}" for name in MACRO.findall(formula)]
    plain = MACRO.sub(" ", TEXT.sub(" ", formula))
    found = (re.sub(r"[{}\s]", "", symbol) for symbol in SYMBOL.findall(plain))
    return macros + [symbol for symbol in found if LETTER.fullmatch(symbol)]


def uses(root: Path) -> dict[str, Counter]:
    """How often each symbol stands in each chapter.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    counts : dict of str to Counter
        By symbol, and then by the chapter's number.
    """
    counts: dict[str, Counter] = {}
    for page, text in text_pages(root):
        if found := CHAPTER.match(page):
            for symbol in symbols_of(" $ ".join(formulas(text))):
                counts.setdefault(symbol, Counter())[int(found[1])] += 1
    return counts


def _rows(root: Path) -> tuple[list[str], list[str]]:
    """Rows of the notation page's tables of symbols, and of its table of reuse."""
    text = (root / "book" / "notation.md").read_text(encoding="utf-8")
    before, _, after = text.partition(REUSE)
    parts = before, after.partition("\n## ")[0]
    first, second = ([line for line in part.splitlines() if line.startswith("| $")] for part in parts)
    return first, second


def defined(root: Path) -> set[str]:
    """Symbols that the notation page defines: those of the first column of its tables.

    Parameters
    ----------
    root : Path
        The course's folder.
    """
    found = (formula for row in _rows(root)[0] for formula in formulas(row.split(" | ")[0]))
    return {symbol for formula in found for symbol in symbols_of(formula)}


def reused(root: Path) -> dict[str, set[int]]:
    """Symbols that the notation page lists with a second meaning, and the chapters in which they have it.

    Parameters
    ----------
    root : Path
        The course's folder.
    """
    found: dict[str, set[int]] = {}
    for row in _rows(root)[1]:
        name, _, where = row.strip("| ").partition(" | ")
        for symbol in {symbol for formula in formulas(name) for symbol in symbols_of(formula)}:
            found.setdefault(symbol, set()).update(map(int, re.findall(r"\d+", where.rpartition("|")[2])))
    return found


def _first_uses(root: Path, symbol: str) -> list[str]:
    lines = []
    for page, text in text_pages(root):
        plain = without_code(text)
        for match in FORMULA.finditer(plain) if CHAPTER.match(page) else ():
            if symbol in symbols_of(match[1] or match[2]):
                words = plain[max(0, match.start() - 90) : match.end() + 50]
                lines.append(f"{page[5:7]}: … {' '.join(words.split())} …")
                break
    return lines


def main(arguments: list[str]) -> None:
    """Show the table of all symbols, or the first use of some in each chapter."""
    root = Path(__file__).resolve().parents[2]
    write = sys.stdout.write
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("symbols", nargs="*", metavar="SYMBOL", help=r"such as \mu; the table if none is named")
    named = parser.parse_args(arguments).symbols
    for symbol in named:
        write(f"{symbol}\n  " + "\n  ".join(_first_uses(root, symbol)) + "\n")
    if not named:
        known, second = defined(root), reused(root)
        for symbol, chapters in sorted(uses(root).items(), key=lambda item: (item[0].lstrip("\\").lower(), item[0])):
            mark = "reused" if symbol in second else "notation" if symbol in known else ""
            counts = " ".join(f"{chapter}:{count}" for chapter, count in sorted(chapters.items()))
            write(f"{symbol:16} {mark:9} {counts}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
