"""Slides of a chapter, from the built page: its outcomes, statements and figures, with the text beside them as notes.

They lie in ``_build/slides`` and use the book's own scripts and pictures, so they too read from disk. Arrow keys
turn them, ``n`` shows the speaker's notes, and printing makes a PDF with one slide a page.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag

__all__ = ["NoPageError", "build_slides", "print_pdf", "slides_of"]

SHOWN = ("definition", "theorem", "proposition", "lemma", "corollary")
MOST_NOTES = 2
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
{scripts}
<link rel="stylesheet" href="../html/_static/slides.css">
<script defer src="../html/_static/slides.js"></script>
</head><body>
{slides}
</body></html>
"""
SLIDE = (
    '<section class="slide" aria-label="{number} of {count}"><h2>{title}</h2>{body}'
    '<aside class="notes">{notes}</aside></section>'
)


class NoPageError(RuntimeError):
    """The chapter's page has not been built."""


def build_slides(root: Path, chapters: list[str] | None = None) -> list[Path]:
    """Write the slides of some chapters, or of all, beside the built book.

    Parameters
    ----------
    root : Path
        The course's folder.
    chapters : list of str, optional
        Names of folders or their numbers, such as ``"06"``.

    Returns
    -------
    files : list of Path

    Raises
    ------
    NoPageError
        If the book was not built, or has no such chapter.
    """
    html = root / "_build" / "html"
    pages = sorted(html.glob("[0-9][0-9]_*/chapter.html"))
    wanted = [page for page in pages if not chapters or page.parent.name.startswith(tuple(chapters))]
    if not wanted:
        raise NoPageError("there is no such page in _build/html: run make book first, then name a chapter such as 06")
    out = root / "_build" / "slides"
    out.mkdir(exist_ok=True)
    files = []
    for page in wanted:
        files.append(out / f"{page.parent.name}.html")
        files[-1].write_text(slides_of(page.read_text(encoding="utf-8"), page.parent.name), encoding="utf-8")
    return files


def slides_of(page: str, folder: str) -> str:
    """Make slides of a chapter's page.

    Parameters
    ----------
    page : str
        HTML of the built page.
    folder : str
        Its folder, for links and pictures.
    """
    soup = BeautifulSoup(page, "html.parser")
    article: Any = soup.find("article") or soup
    _point_from_slides(soup, folder)
    title = _words(article.find("h1"))
    slides = [(title, str(article.find("ul") or ""), "")]
    for section in article.select("section > section"):
        heading = section.find("h2", recursive=False)
        slides += [(_words(heading), _bare(item), _notes(item)) for item in _items(section)] if heading else []
    count = len(slides)
    parts = [
        SLIDE.format(number=number, count=count, title=heading, body=body, notes=notes)
        for number, (heading, body, notes) in enumerate(slides, 1)
    ]
    scripts = [str(script) for script in soup.find_all("script") if "mathjax" in str(script).lower()]
    return PAGE.format(title=title, scripts="\n".join(scripts), slides="\n".join(parts))


def _items(section: Tag) -> list[Tag]:
    """Statements and figures of a section, in their order."""
    found = section.find_all(["div", "figure"])
    return [item for item in found if isinstance(item, Tag) and _is_shown(item)]


def _is_shown(item: Tag) -> bool:
    classes = item.get("class") or []
    statement = "proof" in classes and bool(set(SHOWN) & set(classes))
    return statement or (item.name == "figure" and item.find("img") is not None)


def _bare(item: Tag) -> str:
    """A statement or a figure without the ids, which belong to the page, and without the links to itself."""
    copy = BeautifulSoup(str(item), "html.parser")
    for link in copy.find_all("a", class_="headerlink"):
        link.decompose()
    for tag in copy.find_all(id=True):
        del tag["id"]
    return str(copy)


def _notes(item: Tag) -> str:
    """The paragraphs that follow, as far as the next statement or figure."""
    cell = item.find_parent("div", class_="cell")
    block = item if cell is None else cell
    notes: list[str] = []
    for sibling in block.find_next_siblings():
        if sibling.name != "p" or len(notes) == MOST_NOTES:
            break
        notes.append(str(sibling))
    return "".join(notes)


def _words(heading: Tag | None) -> str:
    copy = BeautifulSoup(str(heading or ""), "html.parser")
    for link in copy.find_all("a"):
        link.decompose()
    return (copy.find(["h1", "h2"]) or copy).decode_contents().strip()


def _point_from_slides(page: Tag, folder: str) -> None:
    """Turn addresses that start in the chapter's folder into ones that start in that of the slides."""
    for tag in page.find_all(["a", "img", "source", "script"]):
        for name in ("href", "src", "srcset"):
            value = str(tag.get(name) or "")
            if value.startswith("#"):
                tag[name] = f"../html/{folder}/chapter.html{value}"
            elif value.startswith("../"):
                tag[name] = f"../html/{value.removeprefix('../')}"
            elif value and not value.startswith(("http", "data:", "/")):
                tag[name] = f"../html/{folder}/{value}"


def print_pdf(slides: Path) -> Path:
    """Print slides with Chromium, one a page.

    Parameters
    ----------
    slides : Path
        A file of `build_slides`.

    Returns
    -------
    file : Path
        Beside it, with the ending ``.pdf``.

    Raises
    ------
    NoPageError
        If there is no Chromium, or it printed nothing.
    """
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        raise NoPageError("printing needs Chromium: apt-get install chromium, or print from any browser")
    out = slides.with_suffix(".pdf")
    options = ["--headless", "--no-sandbox", "--no-pdf-header-footer", "--virtual-time-budget=20000"]
    command = [program, *options, f"--print-to-pdf={out}", slides.as_uri()]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if ran.returncode or not out.is_file():
        raise NoPageError(f"Chromium printed nothing: {ran.stderr.strip()[-300:]}")
    return out
