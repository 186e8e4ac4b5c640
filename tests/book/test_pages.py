"""Text pages and their code cells, taken apart by hand."""

import pytest

from tools.book import pages

CELL = "```{code-cell} ipython3\n:tags: [hide-input]\n\nx = 1\n```\n"


def write(root, name, text="# P\n"):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_pages_come_in_order_with_their_paths(tmp_path):
    for name in ("book/index.md", "book/01_one/chapter.md", "book/01_one/lab.ipynb", "README.md"):
        write(tmp_path, name, f"# {name} – ε\n")
    found = list(pages.text_pages(tmp_path))
    assert found == [(name, f"# {name} – ε\n") for name in ("book/01_one/chapter.md", "book/index.md")]


@pytest.mark.parametrize("folder", ["assets/vendor", "assets", "01_one/vendor", "01_one/.ipynb_checkpoints"])
def test_what_others_wrote_is_left_out(folder, tmp_path):
    write(tmp_path, f"book/{folder}/README.md")
    assert list(pages.text_pages(tmp_path)) == []


@pytest.mark.parametrize("name", ["assets", "vendor"])
def test_a_course_may_lie_in_any_folder(name, tmp_path):
    write(tmp_path / name, "book/index.md")
    assert len(list(pages.text_pages(tmp_path / name))) == 1


def test_every_chapter_is_found(course_root):
    found = {name for name, _ in pages.text_pages(course_root)}
    chapters = {file.relative_to(course_root).as_posix() for file in course_root.glob("book/[0-9]*/chapter.md")}
    assert len(chapters) == 12
    assert chapters <= found


FENCES = {
    "backticks": CELL,
    "four backticks": CELL.replace("```", "````"),
    "tildes": CELL.replace("```", "~~~"),
    "space behind the fence": CELL[:-1] + "  \n",
    "end of the file": CELL[:-1],
}


@pytest.mark.parametrize("fence", FENCES)
def test_a_cell_is_taken_out_of_its_fence(fence):
    text = f"Before.\n\n{FENCES[fence]}"
    assert pages.code_cells(text) == [":tags: [hide-input]\n\nx = 1\n"]
    assert pages.without_code(text).strip() == "Before."


def test_a_cell_ends_with_a_fence_of_its_own_kind():
    inner = "print('''\n```\n''')\n"
    text = f"````{{code-cell}}\n{inner}````\nAfter.\n"
    assert pages.code_cells(text) == [inner]
    assert pages.without_code(text) == "\nAfter.\n"


def test_each_cell_counts_by_itself_and_prose_between_stays():
    text = f"One.\n{CELL}Two.\n{CELL.replace('1', '2')}Three.\n"
    assert [cell.splitlines()[-1] for cell in pages.code_cells(text)] == ["x = 1", "x = 2"]
    assert pages.without_code(text).split() == ["One.", "Two.", "Three."]


@pytest.mark.parametrize(
    "text", ["```python\nx = 1\n```\n", "    ```{code-cell}\n    x = 1\n    ```\n", "Prose.\n", ""]
)
def test_what_is_only_shown_is_no_cell(text):
    assert pages.code_cells(text) == []
    assert pages.without_code(text) == text
