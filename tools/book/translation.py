"""Sphinx extension: what Sphinx's gettext leaves out of a page gets translated too, and Chinese can be searched for.

Sphinx looks for messages in nodes that know their source and their raw text. Titles of exercises, cells of tables that
a directive made, and captions of figures that code draws do not, or are not there before the code has run.
"""

import gettext
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.gettext import MessageCatalogBuilder
from sphinx.search import SearchLanguage
from sphinx.transforms import SphinxTransform
from sphinx.util.i18n import docname_to_domain
from sphinx_exercise.nodes import exercise_subtitle

__all__ = ["BigramSearch", "PrepareMessages", "one_line", "setup"]

CHINESE = "\u3400-\u9fff\uf900-\ufaff"
RUN = re.compile(f"[{CHINESE}]+")
WORD = re.compile(r"\w+")
WORDS_IN_FORMULA = re.compile(r"\\text\w*\{[^}]*(?:[A-Za-z]{4}| )")  # and no index such as "sat"
SPLIT_QUERY = """
function splitQuery(query) {
  const terms = [];
  for (const word of query.split(/[^\\p{Letter}\\p{Number}_]+/gu))
    for (const part of word.split(/([CHINESE]+)/gu))
      if (!/^[CHINESE]/u.test(part) || part.length < 2) terms.push(part);
      else for (let i = 0; i + 1 < part.length; i++) terms.push(part.slice(i, i + 2));
  return terms.filter((term) => term);
}
""".replace("CHINESE", "\\u3400-\\u9fff\\uf900-\\ufaff")


def one_line(text: str) -> str:
    """A text without line breaks and runs of blanks: as a catalogue has it."""
    return " ".join(text.split())


class PrepareMessages(SphinxTransform):
    """Let the transform that translates find what it would pass over."""

    default_priority = 12  # before Sphinx's Locale

    def apply(self, **_options: Any) -> None:
        """Mark nodes as sources of messages; translate formulas with words, which Sphinx cannot."""
        for subtitle in self.document.findall(exercise_subtitle):
            subtitle.rawsource = subtitle.rawsource or subtitle.astext()
        for node in self.document.findall(nodes.TextElement):
            if node.rawsource and not node.source and not isinstance(node, nodes.Inline):
                node.source, node.line = self.document["source"], node.line or 1
        for image in self.document.findall(nodes.image):
            if image.get("alt"):
                image["alt"] = one_line(image["alt"])
        if isinstance(self.app.builder, MessageCatalogBuilder):
            self._announce()
        self._translate_formulas()

    def _announce(self) -> None:
        """Tell Sphinx's gettext what it will not see: captions of figures whose code has not run, exercises' titles."""
        for cell in list(self.document.findall(nodes.container)):
            options = (cell.get("cell_metadata") or {}).get("mystnb", {})
            for text in (options.get("figure", {}).get("caption"), options.get("image", {}).get("alt")):
                cell += self._message(text) if text else []
        for subtitle in list(self.document.findall(exercise_subtitle)):
            subtitle.parent.parent.insert(1, self._message(subtitle.rawsource))

    def _message(self, text: str) -> nodes.paragraph:
        told = nodes.paragraph(one_line(text), "")
        told.source, told.line = self.document["source"], 1
        return told

    def _translate_formulas(self) -> None:
        domain = docname_to_domain(self.env.docname, self.config.gettext_compact)
        folder = str(Path(self.env.srcdir, *self.config.locale_dirs[:1]))
        catalogue = gettext.translation(domain, folder, [self.config.language], fallback=True)
        for formula in self.document.findall(nodes.math_block):
            message = one_line(formula.astext())
            if not WORDS_IN_FORMULA.search(message):
                formula["translatable"] = False
                continue
            formula.rawsource = message
            translated = catalogue.gettext(message)
            if translated != message:
                formula.children = [nodes.Text(translated)]
                formula["translatable"] = False


class BigramSearch(SearchLanguage):
    """Words for the search of a Chinese page: each two characters that stand together, and other words as they are."""

    lang = "zh-bigrams"
    language_name = "Chinese, two characters at a time"
    js_splitter_code = SPLIT_QUERY
    js_stemmer_code = "var Stemmer = function () { this.stemWord = (word) => word; };"

    def split(self, input: str) -> list[str]:
        """The terms of a text."""
        terms = []
        for word in WORD.findall(input):
            terms += RUN.sub(" ", word).split()
            terms += [part[i : i + 2] for part in RUN.findall(word) for i in range(max(1, len(part) - 1))]
        return terms

    def stem(self, word: str) -> str:
        """The word in small letters."""
        return word.lower()

    def word_filter(self, word: str) -> bool:
        """Whether a term is worth keeping."""
        return len(word) > 1


def lead_to_other_edition(app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """Above a page of a translated edition: the way to the same page in English, and whether it is translated at all.

    Parameters
    ----------
    app : Sphinx
    pagename : str
    context : dict
        What the page's template gets; its body is changed in place.
    """
    texts = app.config.html_context.get("edition")
    if not texts or "body" not in context or pagename not in app.env.found_docs:
        return
    link = f'<a href="{"../" * (pagename.count("/") + 1)}html/{pagename}.html" hreflang="en" lang="en">English</a>'
    catalogue = Path(app.srcdir, "locale", app.config.language, "LC_MESSAGES", f"{pagename}.po")
    told = "" if catalogue.is_file() else f"{texts['untranslated']} "
    context["body"] = f'<p class="edition">{told}{link}</p>{context["body"]}'


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform, the search, and the link to the other edition.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.add_transform(PrepareMessages)
    app.add_search_language(BigramSearch)
    app.connect("html-page-context", lead_to_other_edition)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
