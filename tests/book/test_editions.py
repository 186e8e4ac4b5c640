"""Editions in other languages: messages are found, formulas stay, stale strings are told, pages appear."""

import io
import json
import re
import shutil
import sys

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from tools.book import assets, editions
from tools.book.translation import BigramSearch, one_line

PAGE = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  name: python3
---

# A title

At $x = 1$: **one** [link](other.md), {ledger}`ten`.

```{table}
| Head | Place |
|---|---|
| a cell | $y$ |
```

$$
a = b \\quad \\text{where } b > 0
$$

```{exercise} A task
:label: ex-task

Do it.
```

```{code-cell} ipython3
---
mystnb:
  figure:
    name: fig-it
    caption: |
      What it
      shows.
  image:
    alt: A point.
---
from IPython.display import Image
from pathlib import Path

Path("../ran.txt").open("a").write("once ")
Image(data=__import__("base64").b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="))
```
"""
CHINESE = {
    "A title": "标题",
    "At $x = 1$: **one** [link](other.md), {ledger}`ten`.": "$x = 1$ 处有**一个**[链接](other.md)和 {ledger}`ten`。",
    "Head": "表头",
    "a cell": "一格",
    "a = b \\quad \\text{where } b > 0": "a = b \\quad \\text{其中 } b > 0",
    "A task": "一道题",
    "What it shows.": "图的说明。",
    "A point.": "一个点。",
}


@pytest.fixture(scope="module")
def course(course_root, tmp_path_factory):
    """A book of two pages with the course's settings, of which the first has a catalogue."""
    root = tmp_path_factory.mktemp("course")
    for name in ("_config.yml", "package-lock.json", "requirements.lock"):
        shutil.copy(course_root / name, root)
    book = root / "book"
    shutil.copytree(course_root / "book" / "styles", book / "styles")
    shutil.copy(course_root / "book" / "references.bib", book)
    (book / "assets").mkdir()
    stamp = assets._lock_digest(root, *assets.COPIES, assets.WIDGET_FONT)
    (book / "assets" / ".stamp").write_text(stamp)
    entry = (
        '"id": "ten", "value": 10, "text": "10", "what": "w", "paper": "P", "version": "v", "where": "t", "mark": "V"'
    )
    (book / "ledger.json").write_text(f"[{{{entry}}}]")
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nparts:\n- caption: Chapters\n  chapters:\n  - file: other\n"
    )
    (book / "index.md").write_text(PAGE)
    (book / "other.md").write_text("# Other\n\nStill English.\n\n```{ledger-table}\n```\n")
    write(root, "index", CHINESE)
    write(root, "edition", {"Chapters": "各章", "This page has not been translated yet.": "尚无译文。"})
    return root


def write(root, page, strings, fuzzy=()):
    catalogue = Catalog(locale="zh_CN")
    for text, translated in strings.items():
        catalogue.add(text, translated, flags={"fuzzy"} if text in fuzzy else set())
    editions.write_catalogue(root / "book" / "locale" / "zh_CN" / "LC_MESSAGES" / f"{page}.po", catalogue, "zh_CN")


@pytest.fixture
def in_a_process(forked, course):
    """Runs code with `editions` and the course's folder `root` in a process of its own; returns what it prints."""

    def run(code):
        head = f"from pathlib import Path; from tools.book import editions; root = Path({str(course)!r})"
        ran = forked(f"{head}; {code}", course)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


def test_stale_strings_are_told_and_an_update_marks_them(course, in_a_process):
    changed = {**CHINESE, "A title of old": "旧标题"}
    del changed["A title"], changed["Head"]
    write(course, "index", changed, fuzzy=["A task"])
    told = in_a_process("print(*editions.stale(root), sep=chr(10)); editions.update(root, 'zh_CN')").splitlines()
    words = [re.sub(r".*?index\.po: ", "", line) for line in told if "index.po" in line]
    wanted = ["is no longer in the page: A title of old", "is fuzzy: A task"]
    assert {*wanted, *(f"is lacking: {text}" for text in ("A title", "Head", "Place"))} <= set(words)
    file = course / "book" / "locale" / "zh_CN" / "LC_MESSAGES" / "index.po"
    updated = read_po(io.BytesIO(file.read_bytes()))
    assert updated["A title"].fuzzy
    assert updated["A title"].string == "旧标题"
    assert "A title of old" not in updated
    assert updated["a cell"].string == "一格"
    assert updated["Head"].string == ""
    assert not (course / "ran.txt").exists()  # no code is run to find what there is to translate
    write(course, "index", CHINESE)


def test_an_edition_is_built_with_the_same_figures_and_falls_back_to_english(course, in_a_process):
    said = in_a_process("print(*(editions.build_edition(root, 'zh_CN').fresh for _ in range(2)))")
    assert said.splitlines()[-1] == "False True"
    page = (course / "_build" / "zh_CN" / "index.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN"' in page
    for text in ("标题", "表头", "一格", "\\text{其中 }", "一道题", "图的说明。", 'alt="一个点。"', "各章"):
        assert text in page, text
    assert "A title" not in re.sub(r"<script.*?</script>", "", page, flags=re.S)
    other = (course / "_build" / "zh_CN" / "other.html").read_text(encoding="utf-8")
    assert "Still English." in other
    assert "尚无译文。" in other
    assert 'href="../html/other.html"' in other
    assert (course / "ran.txt").read_text() == "once "
    assert "标题" not in (course / "_build" / "html" / "index.html").read_text(encoding="utf-8")
    assert json.dumps("一格")[1:-1] in (course / "_build" / "zh_CN" / "searchindex.js").read_text(encoding="utf-8")


def test_a_language_that_is_not_there_is_refused(course):
    with pytest.raises(editions.english.BookError, match="zh_CN"):
        editions.build_edition(course, "tlh")


@pytest.mark.parametrize(
    ("argument", "status", "words"),
    [("--help", 0, "LANGUAGE"), ("tlh", 2, "no catalogues for 'tlh'"), ("../x", 2, "those for zh_CN")],
)
def test_the_command_tells_its_use_and_refuses_a_language_that_is_not_there(
    monkeypatch, capsys, argument, status, words
):
    monkeypatch.setattr(sys, "argv", ["editions", argument])
    monkeypatch.setattr(editions, "update", lambda *_: pytest.fail("nothing was to be written"))
    with pytest.raises(SystemExit) as ended:
        editions.main()
    assert ended.value.code == status
    assert words in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("translated", "fault"),
    [
        ("在 $x = 2$ 处见 {numref}`fig`、[页](a.md)，共 10 个", "other formulas (without $x=1$; with $x=2$)"),
        ("在 $x = 1$ 处见 {numref}`fig`、[页](b.md)，共 10 个", "other links"),
        ("在 $x = 1$ 处见 {numref}`figure`、[页](a.md)，共 10 个", "other roles"),
        ("在 $x = 1$ 处见 {numref}`fig`、[页](a.md)，共 100 个", "other numbers"),
        ("在 $x = 1$ 处见 {numref}`fig`、[页](a.md)，共 10 个，**句号。**后", "star"),
        ("在 $x = 1$ 处见 {numref}`fig`、[页](a.md)，共 10 个", ""),
    ],
)
def test_what_a_translation_must_not_change_is_compared(translated, fault):
    found = editions.faults_of(Message("At $x = 1$ see {numref}`fig`, [page](a.md), 10 of them", translated))
    assert (found == []) if not fault else (fault in found[0] and len(found) == 1)


def test_a_formula_with_words_may_change_only_the_words():
    original = "a = b \\quad \\text{where } b > 0"
    assert editions.faults_of(Message(original, "a = b \\quad \\text{其中 } b > 0")) == []
    assert editions.faults_of(Message(original, "a = b \\quad \\text{其中 } b > 1")) != []


def test_translations_of_the_course_keep_formulas_links_roles_and_numbers(course_root):
    assert editions.languages(course_root) == ["zh_CN"]
    assert editions.findings(course_root) == []


def test_the_words_around_the_pages_are_in_the_edition_s_language(course_root):
    (course_root / "_build").mkdir(exist_ok=True)
    settings = editions._settings(course_root, "zh_CN")
    assert settings["quiz_answer"] == "答案"
    assert settings["nb_code_prompt_show"] == "显示代码"
    told = editions._catalogues(course_root, "zh_CN")[editions.EDITION]
    assert [text for text in editions.WORDS_AROUND.values() if not told.get(text) or not told.get(text).string] == []


def test_chinese_is_searched_by_two_characters_at_a_time():
    search = BigramSearch({})
    assert search.split("梯度惩罚 WGAN-GP，第6章") == ["梯度", "度惩", "惩罚", "WGAN", "GP", "6", "第", "章"]
    assert [word for word in search.split("谱的GAN") if search.word_filter(word)] == ["GAN", "谱的"]
    assert one_line(" a\n  b ") == "a b"
