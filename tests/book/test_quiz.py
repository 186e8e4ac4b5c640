"""Quizzes: how they are written, and that every chapter's are whole."""

import pytest

from tools.book.quiz import read_choices, read_quizzes

GOOD = ["- [ ] One", "  Why not.", "- [x] Two", "  Why,", "", "  at length.", "- [ ] Three", "  Why not."]
PAGE = "Text.\n\n::::{quiz} 3. How many?\n" + "\n".join(GOOD) + "\n::::\n\nMore.\n"


def test_choices_come_with_their_reasons():
    choices = read_choices(GOOD)
    assert [choice.text for choice in choices] == ["One", "Two", "Three"]
    assert [choice.right for choice in choices] == [False, True, False]
    assert choices[1].why == ["Why,", "", "at length."]
    assert [choice.line for choice in choices] == [0, 2, 6]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (GOOD[:6], "3 to 6 choices"),
        ([line.replace("[x]", "[ ]") for line in GOOD], "exactly one"),
        ([line.replace("[ ]", "[x]") for line in GOOD], "exactly one"),
        (GOOD[:-1], "does not say why: 'Three'"),
        ([*GOOD, "not indented"], "neither a choice"),
    ],
)
def test_a_faulty_question_is_refused(lines, message):
    with pytest.raises(ValueError, match=message):
        read_choices(lines)


def test_a_question_has_a_number():
    assert [(number, text) for number, text, _ in read_quizzes(PAGE)] == [(3, "How many?")]
    with pytest.raises(ValueError, match="begins with its number"):
        read_quizzes(PAGE.replace("3. ", ""))


@pytest.fixture(scope="module")
def chapters(course_root):
    found = sorted((course_root / "book").glob("[0-9][0-9]_*/chapter.md"))
    return {page.parent.name: page.read_text(encoding="utf-8") for page in found}


def test_every_chapter_asks_in_this_form_alone(chapters):
    assert len(chapters) == 12
    for name, text in chapters.items():
        section = text.split("\n## Quiz\n")[1].split("\n## ")[0]
        assert "{dropdown}" not in section, name
        assert section.count("{quiz}") == text.count("{quiz}") == len(read_quizzes(text)), name


def test_every_chapter_s_questions_are_numbered_and_enough(chapters):
    for name, text in chapters.items():
        numbers = [number for number, _, _ in read_quizzes(text)]
        assert numbers == list(range(1, len(numbers) + 1)), name
        assert len(numbers) >= 6, name


def test_neither_place_nor_length_gives_the_right_choice_away(chapters):
    questions = [choices for text in chapters.values() for _, _, choices in read_quizzes(text)]
    places = [[choice.right for choice in choices].index(True) for choices in questions]
    assert max(places.count(place) for place in range(3)) < 0.45 * len(places)
    longest = [max(choices, key=lambda choice: len(choice.text)).right for choices in questions]
    assert sum(longest) < 0.45 * len(questions)
