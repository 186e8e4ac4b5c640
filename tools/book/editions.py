"""Editions of the book in other languages: their catalogues, what is stale in them, and their build.

``book/locale/LANGUAGE/LC_MESSAGES/PAGE.po`` has the translation of a page, message by message; pages without one stay
English. ``edition.po`` has the words around the pages. ``python -m tools.book.editions`` brings the catalogues up to
the sources: new messages come empty, and one that has changed keeps its translation, marked as fuzzy, until somebody
has looked at it and removed the mark.
"""

import argparse
import io
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from tools.book import build as english
from tools.book import freshness

__all__ = ["Catalogues", "build_edition", "faults_of", "findings", "languages", "messages", "stale", "update"]

EDITION = "edition"  # the catalogue of what stands around the pages
WORDS_AROUND = {
    "untranslated": "This page has not been translated yet.",
    "search": "Search the course",
    "title": "Wasserstein GANs and Lipschitz Critics",
    "show": "Show code cell {type}",
    "hide": "Hide code cell {type}",
    "answer": "Answer",
}
SEARCH = {"zh_CN": "zh-bigrams"}
ROLE = re.compile(r"(?:\{[\w:]+\})?(`+)(?!`).+?(?<!`)\1(?!`)")
FORMULA = re.compile(r"\$\$.+?\$\$|(?<!\\)\$[^$]+(?<!\\)\$")
TARGET = re.compile(r"\]\(([^)]*)\)")
WORDS = re.compile(r"[A-Za-z]{2}")  # what is not in code or in a formula
NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
FORMAT = re.compile(r"^#, python(?:-brace)?-format\n|, python(?:-brace)?-format", re.MULTILINE)  # babel's guess
WORDS_IN_FORMULA = re.compile(r"\\text\w*\{[^}]*\}")
Catalogues = dict[str, Catalog]


def languages(root: Path) -> list[str]:
    """Languages that the book has catalogues for."""
    return sorted(folder.parent.name for folder in (root / "book" / "locale").glob("*/LC_MESSAGES"))


def _folder(root: Path, language: str) -> Path:
    return root / "book" / "locale" / language / "LC_MESSAGES"


def _catalogues(root: Path, language: str) -> Catalogues:
    folder = _folder(root, language)
    found = {}
    for file in sorted(folder.rglob("*.po")):
        with file.open("rb") as stream:
            found[file.relative_to(folder).with_suffix("").as_posix()] = read_po(stream, locale=language)
    return found


def messages(root: Path, pages: list[str]) -> Catalogues:
    """What there is to translate in some pages, as their sources are now. Nothing is run.

    Parameters
    ----------
    root : Path
        The course's folder.
    pages : list of str
        Such as ``01_js_saturation/chapter``.

    Returns
    -------
    catalogues : dict of str to Catalog
    """
    import yaml

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chapters = [{"file": page} for page in pages if page != "index"]
        toc = {"format": "jb-book", "root": "index", **({"chapters": chapters} if chapters else {})}
        (folder / "toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
        own = {"external_toc_path": str(folder / "toc.yml"), "nb_execution_mode": "off", "gettext_compact": False}
        _extract(root, {**english.settings(root), **own}, folder)
        found = {page: _template(folder / f"{page}.pot") for page in pages}
    return {**found, EDITION: _words_around(root)}


def _extract(root: Path, settings: dict[str, Any], folder: Path) -> None:
    """Run Sphinx's gettext; links to pages that are not among those read lead nowhere, and that is no fault here."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    with patch_docutils(None), docutils_namespace():
        Sphinx(
            srcdir=root / "book",
            confdir=None,
            outdir=folder,
            doctreedir=folder / "doctrees",
            buildername="gettext",
            confoverrides=settings,
            status=None,
            warning=io.StringIO(),
        ).build(force_all=True)


def _template(file: Path) -> Catalog:
    with file.open("rb") as stream:
        found = read_po(stream)
    for message in list(found):
        if message.id and not WORDS.search(ROLE.sub("", FORMULA.sub("", str(message.id)))):
            found.delete(message.id)
    return found


def _words_around(root: Path) -> Catalog:
    import yaml

    found = Catalog()
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    for text in (*WORDS_AROUND.values(), *(part["caption"] for part in toc["parts"])):
        found.add(text)
    return found


def update(root: Path, language: str) -> None:
    """Bring the catalogues of a language up to the sources.

    Parameters
    ----------
    root : Path
        The course's folder.
    language : str
        Such as ``zh_CN``.
    """
    before = _catalogues(root, language)
    for page, template in messages(root, [page for page in before if page != EDITION]).items():
        catalogue = before.get(page, Catalog(locale=language))
        catalogue.update(template)
        write_catalogue(_folder(root, language) / f"{page}.po", catalogue, language)


def write_catalogue(file: Path, catalogue: Catalog, language: str) -> None:
    """Write a catalogue without dates and line numbers, which would change with every run.

    Parameters
    ----------
    file : Path
    catalogue : Catalog
    language : str
    """
    plain = Catalog(locale=language, header_comment="", charset="utf-8", fuzzy=False)
    for message in catalogue:
        if message.id:
            plain.add(message.id, message.string, flags=message.flags & {"fuzzy"})
    buffer = io.BytesIO()
    write_po(buffer, plain, width=0, omit_header=True, ignore_obsolete=True, no_location=True)
    head = f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    body = FORMAT.sub("", buffer.getvalue().decode("utf-8")).strip()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{head}{body}\n", encoding="utf-8")


def stale(root: Path) -> list[str]:
    """Strings that the pages have and the catalogues lack or hold as fuzzy or empty, and those that no page has now.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
        English is shown in the place of each, so none is an error.
    """
    found = []
    for language in languages(root):
        catalogues = _catalogues(root, language)
        for page, template in messages(root, [page for page in catalogues if page != EDITION]).items():
            findings = _compared(catalogues.get(page, Catalog()), template)
            found += [f"{_place(language, page)}: {finding}" for finding in findings]
    return found


def _compared(catalogue: Catalog, template: Catalog) -> Iterator[str]:
    wanted = {str(message.id) for message in template if message.id}
    have = {str(message.id): message for message in catalogue if message.id}
    yield from (f"is no longer in the page: {_short(text)}" for text in have if text not in wanted)
    yield from (f"is lacking: {_short(text)}" for text in sorted(wanted - have.keys()))
    for text, message in have.items():
        state = "is fuzzy" if message.fuzzy else "" if message.string else "is not translated"
        yield from [f"{state}: {_short(text)}"] * bool(state)


def findings(root: Path) -> list[str]:
    """Translations whose formulas, links, roles or numbers are not the original's.

    Parameters
    ----------
    root : Path
        The course's folder.

    Returns
    -------
    findings : list of str
    """
    return [
        f"{_place(language, page)}: {fault}: {_short(str(message.id))}"
        for language in languages(root)
        for page, catalogue in _catalogues(root, language).items()
        for message in catalogue
        if message.id and message.string and not message.fuzzy
        for fault in faults_of(message)
    ]


def _place(language: str, page: str) -> str:
    return f"book/locale/{language}/LC_MESSAGES/{page}.po"


def _short(text: str) -> str:
    return text if len(text) < 70 else text[:67] + "..."


def faults_of(message: Message) -> list[str]:
    """What is wrong with the translation of a message.

    Parameters
    ----------
    message : Message

    Returns
    -------
    faults : list of str
        What it has another set of than the original, or that emphasis does not close.
    """
    original, translated = str(message.id), str(message.string)
    ours, theirs = _parts(original), _parts(translated)
    differing = [
        f"has other {name} ({_difference(ours[name], theirs.get(name, Counter()))})"
        for name in ours
        if ours[name] != theirs.get(name)
    ]
    return differing + ["has a star that opens or closes nothing"] * _loose_stars(translated)


def _parts(text: str) -> dict[str, Counter[str]]:
    """What a translation must not change: formulas, roles and code, targets of links, numbers."""
    if _is_formula(text):
        return {"formulas": Counter([_plain(text)])}
    formulas = [_plain(formula) for formula in FORMULA.findall(text)]
    rest = FORMULA.sub(" ", text)
    roles = [found[0] for found in ROLE.finditer(rest)]
    rest = ROLE.sub(" ", rest)
    targets = TARGET.findall(rest)
    numbers = NUMBER.findall(TARGET.sub("]", rest))
    return {
        "formulas": Counter(formulas),
        "roles or code": Counter(roles),
        "links": Counter(targets),
        "numbers": Counter(numbers),
    }


def _is_formula(text: str) -> bool:
    return bool(WORDS_IN_FORMULA.search(text)) and "$" not in text


def _plain(formula: str) -> str:
    return "".join(WORDS_IN_FORMULA.sub(r"\\text", formula).split())


def _difference(ours: Counter[str], theirs: Counter[str]) -> str:
    lost, more = ours - theirs, theirs - ours
    parts = [f"without {', '.join(lost)}"] * bool(lost) + [f"with {', '.join(more)}"] * bool(more)
    return "; ".join(parts)


def _loose_stars(text: str) -> bool:
    """Whether Markdown shows a star of the text as a star: after punctuation, emphasis closes only before a blank."""
    from markdown_it import MarkdownIt

    if _is_formula(text):
        return False
    bare = ROLE.sub("`x`", FORMULA.sub("$", text))
    inline = (token.children or [] for token in MarkdownIt("commonmark").parse(bare))
    return any(child.type == "text" and "*" in child.content for children in inline for child in children)


def build_edition(
    root: Path, language: str, force: bool = False, status: TextIO | None = None, warnings: TextIO | None = None
) -> english.Built:
    """Build the book in a language into ``_build/LANGUAGE``, after the English one, whose computed figures it shows.

    Parameters
    ----------
    root : Path
        The course's folder.
    language : str
        Such as ``zh_CN``.
    force : bool
        Read and write every page again.
    status, warnings : file, optional
        As for ``build.build``.

    Returns
    -------
    built : Built

    Raises
    ------
    BookError
        If the book has no catalogues of the language, or either edition was not built.
    """
    if language not in languages(root):
        there = ", ".join(languages(root)) or "none"
        raise english.BookError(f"book/locale has no catalogues for {language!r}; there are those for {there}")
    english.build(root, status=status, warnings=warnings)
    out, record = root / "_build" / language / "index.html", root / "_build" / f"{language}.digest"
    digest = freshness.edition_digest(root)
    if not force and out.is_file() and record.is_file() and record.read_text(encoding="utf-8") == digest:
        return english.Built(out, fresh=True)
    record.unlink(missing_ok=True)
    own = _settings(root, language)
    english.run_sphinx(root, own, out.parent, f".doctrees-{language}", force, status, warnings)
    record.write_text(digest, encoding="utf-8")
    return english.Built(out, fresh=False)


def _settings(root: Path, language: str) -> dict[str, Any]:
    """The book's settings with the language, and the words around the pages in it."""
    import yaml

    around = _catalogues(root, language).get(EDITION, Catalog())

    def told(text: str) -> str:
        message = around.get(text)
        return str(message.string or text) if message else text

    settings = english.settings(root)
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc["parts"]:
        part["caption"] = told(part["caption"])
    file = root / "_build" / f"toc.{language}.yml"
    file.write_text(yaml.safe_dump(toc, allow_unicode=True, sort_keys=False), encoding="utf-8")
    theme = {**settings["html_theme_options"], "search_bar_text": told(WORDS_AROUND["search"])}
    context = {**settings.get("html_context", {}), "edition": {"untranslated": told(WORDS_AROUND["untranslated"])}}
    own = {
        "language": language,
        "locale_dirs": ["locale"],
        "gettext_compact": False,
        "external_toc_path": str(file),
        "html_title": told(WORDS_AROUND["title"]),
        "html_theme_options": theme,
        "html_context": context,
        "nb_code_prompt_show": told(WORDS_AROUND["show"]),
        "nb_code_prompt_hide": told(WORDS_AROUND["hide"]),
        "quiz_answer": told(WORDS_AROUND["answer"]),
        "html_search_language": SEARCH.get(language, language),
    }
    return {**settings, **own}


def main() -> None:
    """Update the catalogues of every language, or of those named."""
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    there = languages(root)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"of {', '.join(there)}; all if none is named")
    named = parser.parse_args().languages
    for language in named:
        if language not in there:
            parser.error(f"book/locale has no catalogues for {language!r}; there are those for {', '.join(there)}")
    for language in named or there:
        update(root, language)


if __name__ == "__main__":
    main()
