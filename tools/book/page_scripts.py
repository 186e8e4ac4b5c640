"""Sphinx extension: the pages' own scripts, and what they need to know of other pages.

`book/scripts` has them; esbuild makes one plain script of ``page.js``, which all pages load, and one of
``search_page.js``. From disk a page can load scripts and nothing else, so what is shown of other pages comes as scripts
too: ``previews.js`` (statements, formulas, references) and ``search-texts.js`` (every section's title and text).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config

from tools.book.assets import run_esbuild

__all__ = ["plain_formula", "previews_of", "sections_of", "setup"]

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "book" / "scripts"
TEMPLATES = Path(__file__).parent / "templates"
SHOWN = re.compile(
    r'<div class="(?:proof (?:theorem|proposition|lemma|corollary|definition|remark|example|assumption)\b[^"]*'
    r'|math notranslate nohighlight|citation)" id="([^"]+)"'
)
UNSAID = (nodes.raw, nodes.comment, nodes.image, nodes.system_message)
DIV = re.compile(r"<(/?)div\b")
HEADERLINK = re.compile(r'<a class="headerlink".*?</a>', re.DOTALL)
LINK = re.compile(r"<(/?)a\b[^>]*>")
IDENTIFIER = re.compile(r'\s(?:id|role)="[^"]*"')
COMMAND = re.compile(
    r"\\(?:operatorname|mathcal|mathbb|mathrm|mathbf|text\w*|[bB]ig[lr]?|left|right)(?![A-Za-z])\*?"
    r"|\\(?:begin|end)\{[^}]*\}"
)
SIGNS = {r"\le": "≤", r"\ge": "≥", r"\in": "∈", r"\to": "→", r"\cdot": "·", r"\infty": "∞", r"\|": "‖", r"\nabla": "∇"}


def previews_of(html: str) -> dict[str, str]:
    """What links to a page can show: its statements, numbered formulas and references, by their ids.

    Parameters
    ----------
    html : str
        A written page.

    Returns
    -------
    shown : dict of str to str
        Each box without ids and links.
    """
    return {found[1]: _cleaned(_balanced(html, found.start())) for found in SHOWN.finditer(html)}


def _balanced(html: str, start: int) -> str:
    """The element that a ``<div`` at `start` begins."""
    depth = 0
    for tag in DIV.finditer(html, start):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return html[start : html.index(">", tag.start()) + 1]
    raise ValueError("a page's boxes are not balanced")


def _cleaned(box: str) -> str:
    return IDENTIFIER.sub("", LINK.sub(r"<\1span>", HEADERLINK.sub("", box)))


def sections_of(doctree: nodes.document, page: str) -> Iterator[tuple[str, str, str, str]]:
    """The sections of a page, as the search sees them; a statement or an exercise is one, under its own name.

    Parameters
    ----------
    doctree : document
    page : str
        The page's address.

    Yields
    ------
    address, page_title, title, text : str
    """
    titles = [section.next_node(nodes.title) for section in doctree.findall(nodes.section)]
    first = titles[0].astext() if titles and titles[0] else page
    for section in doctree.findall(nodes.section):
        box = section.parent if _is_boxed(section) else None
        place = (box["ids"] if box else []) or section["ids"]
        anchor = f"#{place[0]}" if section.parent is not doctree else ""
        heading = section.next_node(nodes.title)
        title = _name(box) if box else heading.astext() if heading else first
        yield page + anchor, first, title, " ".join(_words(section))


def _is_boxed(section: nodes.Node) -> bool:
    """Whether this is the content of a statement or an exercise: a section without a title, whose id is not its own."""
    return isinstance(section, nodes.section) and not any(isinstance(child, nodes.title) for child in section.children)


def _name(box: nodes.Element) -> str:
    """What a box is called, or else the section that it stands in."""
    title = box.next_node(nodes.title, descend=True)
    parts = [child.astext() for child in title.children] if title is not None else []
    name = parts[-1].strip().removeprefix("(").removesuffix(")") if parts else ""
    around = box.parent
    while not name and around is not None:
        heading = next((child for child in around.children if isinstance(child, nodes.title)), None)
        name, around = heading.astext() if heading is not None else "", around.parent
    return name


def _words(section: nodes.section) -> Iterator[str]:
    """The text of a section without its title and without the sections in it."""
    for child in section.children:
        if not isinstance(child, (nodes.section, nodes.title)):
            yield " ".join(_text(child).split())


def _text(node: nodes.Node) -> str:
    if isinstance(node, (nodes.math, nodes.math_block)):
        return plain_formula(node.astext())
    if isinstance(node, UNSAID) or _is_cell(node) or _is_citation(node) or _is_boxed(node):
        return ""
    if isinstance(node, nodes.Text):
        return node.astext()
    between = "" if isinstance(node, (nodes.TextElement, nodes.inline)) else " "
    return between.join(map(_text, node.children))


def _is_cell(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and bool({"cell_input", "cell_output"} & set(node["classes"]))


def _is_citation(node: nodes.Node) -> bool:
    return isinstance(node, addnodes.pending_xref) and node.get("refdomain") == "cite"


def plain_formula(tex: str) -> str:
    """A formula's letters, for an excerpt: the commands that only set type are left out.

    Parameters
    ----------
    tex : str

    Returns
    -------
    text : str
    """
    text = COMMAND.sub("", tex)
    for command, sign in SIGNS.items():
        text = re.sub(re.escape(command) + r"(?![A-Za-z])", sign, text)
    return re.sub(r"\\([A-Za-z]+)", r"\1", re.sub(r"\\[,;:!\\]|[{}&$]", " ", text))


def _bundle(app: Sphinx) -> None:
    if app.builder.format != "html":
        return
    views = [SOURCES / name for name in ("page.js", "search_page.js")]
    run_esbuild(ROOT, *views, "--format=iife", f"--outdir={Path(app.outdir, '_static')}")


def _load(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    app.add_js_file("page.js", loading_method="defer")


def _write_data(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    out, pages = Path(app.outdir), sorted(app.env.found_docs)
    found = {name: app.builder.get_target_uri(name) for name in pages}
    previews = {
        address: shown
        for address in found.values()
        if (out / address).is_file() and (shown := previews_of((out / address).read_text(encoding="utf-8")))
    }
    sections = [one for name, address in found.items() for one in sections_of(app.env.get_doctree(name), address)]
    _write(out / "_static" / "previews.js", "coursePreviews", previews)
    _write(out / "_static" / "search-texts.js", "courseTexts", sections)


def _write(file: Path, name: str, data: Any) -> None:
    file.write_text(f"window.{name} = {json.dumps(data, ensure_ascii=False)};\n", encoding="utf-8")


def _add_templates(app: Sphinx, config: Config) -> None:
    config.templates_path = [*config.templates_path, str(TEMPLATES)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Hook in.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.connect("config-inited", _add_templates)
    app.connect("builder-inited", _bundle)
    app.connect("html-page-context", _load)
    app.connect("build-finished", _write_data)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
