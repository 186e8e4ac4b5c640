"""One symbol, one meaning: what the notation page defines is used, and what it says of second meanings is so."""

import pytest

from tools.book import symbols

PAGE = """---
x: $q$
---
# One

Let $P_\\theta$ be a law, $\\hat x \\sim P$ and $W^{\\mathsf T}W$ a matrix; then

$$
\\operatorname{Lip}(f) \\le \\int c\\,\\mathrm d\\pi , \\quad \\text{for all } \\varphi .
$$

```{code-cell} ipython3
y = "$Z$"
```
"""
NOTATION = """# Notation

| Symbol | Meaning |
|---|---|
| $P$, $\\hat x$ | law, point |
| $\\JS(P,Q)$ | divergence |

## Letters with a second meaning

| Letter | There it is | In chapter |
|---|---|---|
| $P$, $c$ | other things, 7 of them | 1, 12 |

## Words

| $Z$ | nothing | 3 |
"""


@pytest.fixture
def course(tmp_path):
    """A course of one chapter, with its page of notation."""
    (tmp_path / "book" / "01_one").mkdir(parents=True)
    (tmp_path / "book" / "01_one" / "chapter.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "book" / "notation.md").write_text(NOTATION, encoding="utf-8")
    return tmp_path


def test_letters_of_formulas_are_counted_by_chapter(course):
    found = symbols.uses(course)
    assert {symbol: counts[1] for symbol, counts in found.items() if symbol not in {"q"}} == {
        "P": 2, r"\theta": 1, r"\hatx": 1, "W": 2, "f": 1, "c": 1, r"\pi": 1, r"\varphi": 1,
    }  # fmt: skip


def test_the_page_of_notation_is_read(course):
    assert symbols.defined(course) == {"P", "Q", r"\hatx", r"\JS"}
    assert symbols.reused(course) == {"P": {1, 12}, "c": {1, 12}}


def test_the_table_is_written(course_root, capsys):
    symbols.main([r"\mu"])
    first = capsys.readouterr().out
    assert "01: …" in first
    assert "09: …" in first
    symbols.main([])
    rows = {row.split()[0]: row for row in capsys.readouterr().out.splitlines()}
    assert "reused" in rows["D"]
    assert "notation" in rows["x"]
    with pytest.raises(SystemExit) as ended:
        symbols.main(["--help"])
    assert ended.value.code == 0
    assert "SYMBOL" in capsys.readouterr().out


def test_what_is_defined_is_used(course_root):
    used = symbols.uses(course_root)
    # The macros of the notation page are written out in the chapters.
    assert symbols.defined(course_root) - used.keys() - {r"\KL", r"\JS", r"\TV", r"\Lip", r"\E"} == set()


def test_second_meanings_are_of_letters_that_the_chapters_have(course_root):
    used, second = symbols.uses(course_root), symbols.reused(course_root)
    assert len(second) >= 20
    missing = {
        (letter, chapter) for letter, chapters in second.items() for chapter in chapters if not used[letter][chapter]
    }
    assert missing == set()


CLASHES = {"D": 6, "h": 6, "c": 12, "m": 11, "p": 9, "G": 8, r"\mu": 1, r"\rho": 7, r"\omega": 7, r"\gamma": 11, "q": 9}


@pytest.mark.parametrize("letter", CLASHES)
def test_a_known_clash_is_listed(course_root, letter):
    assert CLASHES[letter] in symbols.reused(course_root)[letter]
