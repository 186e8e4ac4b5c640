"""The whole book as one PDF: the built pages in one, printed by Chromium on A4.

Chapters, labs and appendices come in the order of ``_toc.yml``; the reference of the library stays on the screen. Ids
get the name of their page before them, so that links lead from page to page inside the PDF, and a link to what is not
in it becomes its text. Running heads and page numbers are margin boxes of named pages; outline and named destinations
are Chromium's, and the contents get their page numbers from a first printing.
"""

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from pathlib import Path
from posixpath import join, normpath
from typing import Any

import yaml
from bs4 import BeautifulSoup, Tag

from tools.book.slides import CHROMIUM

__all__ = ["PdfError", "assemble", "build_pdf", "print_pages"]

LEFT_OUT = ("api/",)
GONE = (
    "a.headerlink, button, script, .explorable-live, .explorable-twin, details.hide, .prev-next-area, source, "
    ".sd-summary-state-marker, .toctree-wrapper, link"
)
EMOJI = re.compile("✅")  # not in every machine's fonts
TEXT_WIDTH = 620  # of an A4 sheet between its margins, in CSS's pixels
PAGE = """<!doctype html>
<html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8"><title>{title}</title>
{styles}
<style>{css}</style>
{mathjax}
<script defer src="../html/_static/course.js"></script>
</head><body><main class="bd-article-container"><article class="bd-article">
<section class="cover"><p class="title">{title}</p><p class="by">{author}</p></section>
<nav class="book-contents"><p class="title">Contents</p><ol>{contents}</ol></nav>
{pages}
</article></main></body></html>
"""
EVERY_SHEET = "@page {{ @top-left {{ content: {words}; }} }}"
FIRST_SHEET = "@page :first { @top-left { content: none; } }"
SHEET = """@page {name} {{ @top-right {{ content: {words}; }} @bottom-center {{ content: counter(page); }} }}
#{name} {{ page: {name}; }}"""
ENTRY = (
    '<li class="{kind}"><a href="#{target}"><span>{words}</span><span class="at" data-to="{target}"></span></a></li>'
)
# What is wider than the sheet is made smaller until it fits; tall pictures get room, short code stays together, and a
# table of half a sheet may go on overleaf.
FIT = """() => {
  for (const picture of document.querySelectorAll(".pdf-page img"))
    picture.classList.toggle("tall", picture.naturalHeight > 1.1 * picture.naturalWidth);
  for (const code of document.querySelectorAll(".pdf-page div.highlight"))
    code.classList.toggle("short", code.offsetHeight < 260);
  for (const wide of document.querySelectorAll('mjx-container[display="true"], .pdf-page table')) {
    const place = wide.parentElement.clientWidth;
    const inner = (wide.matches("table") ? wide : wide.querySelector("mjx-math")).getBoundingClientRect().width;
    if (inner > place && place > 0) wide.style.zoom = Math.max(0.55, 0.98 * place / inner);
  }
  for (const table of document.querySelectorAll(".pdf-page table"))
    table.classList.toggle("long", table.offsetHeight > 480);
}"""
NUMBER = """(pages) => {
  for (const at of document.querySelectorAll(".book-contents .at")) at.textContent = pages[at.dataset.to] ?? "";
}"""


class PdfError(RuntimeError):
    """No PDF could be made."""


@dataclass(frozen=True)
class Page:
    """A page of the book that goes into the PDF.

    Attributes
    ----------
    name : str
        Its path without ending, such as ``02_earth_mover/chapter``.
    below : bool
        Whether it is a section of another page, as a lab is of its chapter.
    """

    name: str
    below: bool

    @property
    def id(self) -> str:
        """The id of its first element in the assembled page."""
        return "page-" + re.sub(r"[^a-z0-9]+", "-", self.name.lower())


def build_pdf(root: Path) -> Path:
    """Write ``_build/pdf/wasserstein-gans.pdf`` from the built book.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    file : Path

    Raises
    ------
    PdfError
        If the book was not built, or there is no Chromium.
    """
    if not (root / "_build" / "html" / "index.html").is_file():
        raise PdfError("there is no book in _build/html: run make book first")
    folder = root / "_build" / "pdf"
    folder.mkdir(exist_ok=True)
    source = folder / "book.html"
    source.write_text(assemble(root), encoding="utf-8")
    return print_pages(source, folder / "wasserstein-gans.pdf")


def assemble(root: Path) -> str:
    """Make one page of the built pages.

    Parameters
    ----------
    root : Path
        The course's folder, with ``_toc.yml``, ``_config.yml`` and ``_build/html``.

    Returns
    -------
    html : str
        To be stored two folders below ``root``'s ``_build``.
    """
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    listed = list(pages_of(yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))))
    built = {page: _soup(root, page) for page in listed}
    known = {page.name: page.id for page in listed}
    heads = [head for soup in built.values() for head in (soup.head, soup.body) if head]
    articles = {page: _article(soup, page, known) for page, soup in built.items()}
    sheets = [SHEET.format(name=page.id, words=_css_text(_title(part))) for page, part in articles.items()]
    style = (root / "book" / "styles" / "pdf.css").read_text(encoding="utf-8")
    sheets = [EVERY_SHEET.format(words=_css_text(settings["title"])), *sheets, FIRST_SHEET]
    return PAGE.format(
        title=escape(settings["title"]),
        author=escape(settings["author"]),
        styles="\n".join(dict.fromkeys(_styles(heads))),
        css="\n".join([style, *sheets]),
        mathjax="\n".join(dict.fromkeys(_mathjax(heads))),
        contents="".join(entry for page, part in articles.items() for entry in _entries(page, part)),
        pages="\n".join(map(str, articles.values())),
    )


def pages_of(toc: dict[str, Any]) -> Iterator[Page]:
    """Go through a table of contents in its order.

    Parameters
    ----------
    toc : dict
        What ``_toc.yml`` holds.

    Yields
    ------
    page : Page
    """
    yield Page(toc["root"], below=False)
    for part in toc.get("parts", [toc]):
        for chapter in part.get("chapters", []):
            for depth, entry in enumerate((chapter, *chapter.get("sections", []))):
                if not entry["file"].startswith(LEFT_OUT):
                    yield Page(entry["file"], below=depth > 0)


def _soup(root: Path, page: Page) -> BeautifulSoup:
    file = root / "_build" / "html" / f"{page.name}.html"
    if not file.is_file():
        raise PdfError(f"the built book lacks the page {page.name}: run make book")
    return BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")


def _styles(heads: list[Tag]) -> Iterator[str]:
    for link in (link for head in heads for link in head.find_all("link", rel="stylesheet")):
        address = re.sub(r"^(\.\./)*", "../html/", str(link["href"]).partition("?")[0])
        yield f'<link rel="stylesheet" href="{address}">'


def _mathjax(heads: list[Tag]) -> Iterator[str]:
    for script in (script for head in heads for script in head.find_all("script")):
        address = str(script.get("src", "")).partition("?")[0]
        if "mathjax" in address:
            yield f'<script defer src="{re.sub(r"^([.][.]/)*", "../html/", address)}"></script>'
        elif "window.MathJax" in str(script.string):
            yield str(script)


def _article(soup: BeautifulSoup, page: Page, known: dict[str, str]) -> Tag:
    """The text of a page, ready to stand beside the others."""
    article = soup.find("article") or soup
    part = soup.new_tag("section", id=page.id, attrs={"class": "pdf-page"})
    part.extend(list(article.children))
    for tag in part.select(GONE):
        tag.decompose()
    for cell in part.select("div.cell"):
        if not cell.get_text(strip=True) and not cell.find("img"):
            cell.decompose()
    for answer in part.find_all("details"):
        answer["open"] = ""
    for table in part.find_all("table"):
        row = table.find("tr")
        if row and not table.find("thead") and not row.find("td"):  # a head, as a head, is repeated on each sheet
            table.insert(0, row.wrap(soup.new_tag("thead")))
    for text in part.find_all(string=EMOJI):
        text.replace_with(EMOJI.sub("✓", text))
    if page.below:
        _demote(part)
    for tag in part.find_all(True):
        _place(tag, page, known)
    return part


def _demote(part: Tag) -> None:
    """Headings of a lab stand one step lower, so that the outline has it below its chapter."""
    for heading in part.find_all(["h1", "h2", "h3", "h4", "h5"]):
        heading.name = f"h{int(heading.name[1]) + 1}"


def _place(tag: Tag, page: Page, known: dict[str, str]) -> None:
    """Give ids the name of their page, and let addresses lead to where things are now."""
    if tag.get("id") and tag["id"] != page.id:
        tag["id"] = f"{page.id}--{tag['id']}"
    for name in ("src", "href"):
        address = str(tag.get(name) or "")
        if address and not re.match(r"[a-z]+:", address):
            _lead(tag, name, address, page, known)


def _lead(tag: Tag, name: str, address: str, page: Page, known: dict[str, str]) -> None:
    file, _, fragment = address.partition("#")
    target = normpath(join(page.name, "..", file.partition("?")[0])) if file else f"{page.name}.html"
    if tag.name != "a":
        tag[name] = f"../html/{target}"
    elif target.removesuffix(".html") in known and target.endswith(".html"):
        own = known[target.removesuffix(".html")]
        tag[name] = f"#{own}--{fragment}" if fragment else f"#{own}"
    else:
        del tag[name]


def _words(heading: Tag | None) -> str:
    return " ".join(heading.get_text().split()) if heading else ""


def _title(part: Tag) -> str:
    return re.sub(r"\\\((.*?)\\\)", r"\1", _words(part.find(["h1", "h2"])))


def _css_text(words: str) -> str:
    return json.dumps(words, ensure_ascii=False).replace("\\\\", "\\5c ")


def _entries(page: Page, part: Tag) -> Iterator[str]:
    """The lines of the contents for a page: its title, and the sections of a chapter."""
    heading = part.find("h2" if page.below else "h1")
    yield ENTRY.format(kind="lab" if page.below else "title", target=page.id, words=_inner(heading))
    for section in [] if page.below else part.find_all("section"):
        head = section.find("h2", recursive=False)
        if head and head.find("span", class_="section-number") and section.get("id"):
            yield ENTRY.format(kind="section", target=section["id"], words=_inner(head))


def _inner(heading: Any) -> str:
    return heading.decode_contents().strip() if heading else ""


def print_pages(source: Path, out: Path) -> Path:
    """Print an assembled page.

    Parameters
    ----------
    source, out : Path
        HTML and PDF.

    Returns
    -------
    out : Path

    Raises
    ------
    PdfError
        If there is no Chromium.
    """
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        raise PdfError("printing needs Chromium: apt-get install chromium")
    with ThreadPoolExecutor(1) as apart:  # a notebook's own thread, say, has an event loop already
        apart.submit(_print, program, source, out).result()
    return out


def _print(program: str, source: Path, out: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": TEXT_WIDTH, "height": 900}, offline=True)
        page.set_default_timeout(600_000)
        page.emulate_media(media="print")
        page.goto(source.as_uri())
        page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")
        page.evaluate(FIT)
        options: Any = {"prefer_css_page_size": True, "print_background": True, "outline": True, "tagged": True}
        page.pdf(path=out, **options)
        page.evaluate(NUMBER, _numbers(out))
        page.pdf(path=out, **options)
        browser.close()


def _numbers(file: Path) -> dict[str, int]:
    """The page number of each place that a link leads to."""
    from pypdf import PdfReader

    reader = PdfReader(file)
    found = {name: reader.get_destination_page_number(place) for name, place in reader.named_destinations.items()}
    return {name.removeprefix("/"): number + 1 for name, number in found.items() if number is not None}
