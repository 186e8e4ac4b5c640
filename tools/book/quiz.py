"""Sphinx extension: quizzes that answer on the page.

A question is a directive whose argument is its number and text, and whose content is a list of choices, one of them
right. Each choice is one line; the indented lines below it say why it is wrong or right::

    ::::{quiz} 1. Two masses are 1 apart and move to a distance of 1000. By how much does JS grow?
    - [ ] By a factor of 1000
      That is what $W_1$ does.
    - [x] Not at all
      It was $\\log 2$, its maximum, and still is.
    ::::

Without scripts, and on paper, the reasons stand below the choices; `book/scripts/quiz.js` makes them answer.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

__all__ = ["Choice", "QuizDirective", "read_choices", "read_quizzes", "setup"]

CHOICE = re.compile(r"- \[([ x])\] (\S.*)")
QUESTION = re.compile(r"(\d+)\. (\S.*)", re.DOTALL)
QUIZ = re.compile(r"^(:{3,})\{quiz\} ([^\n]+)\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
FEWEST, LETTERS = 3, "ABCDEF"


@dataclass
class Choice:
    """One answer to choose.

    Attributes
    ----------
    text : str
    right : bool
    line : int
        Where it stands among the lines of its question.
    why : list of str
        The lines that say why it is right or wrong.
    """

    text: str
    right: bool
    line: int
    why: list[str] = field(default_factory=list)


def read_choices(lines: Sequence[str]) -> list[Choice]:
    """The choices of a question.

    Parameters
    ----------
    lines : sequence of str
        The content of the directive.

    Returns
    -------
    choices : list of Choice

    Raises
    ------
    ValueError
        If there are fewer than three choices, not exactly one right one, or one without a reason.
    """
    choices: list[Choice] = []
    for number, line in enumerate(lines):
        begun = CHOICE.fullmatch(line.rstrip())
        if begun:
            choices.append(Choice(begun[2], begun[1] == "x", number))
        elif choices and (not line.strip() or line.startswith("  ")):
            choices[-1].why.append(line[2:])
        elif line.strip():
            raise ValueError(f"a line of a quiz is neither a choice, '- [ ] …', nor indented: {line!r}")
    if not FEWEST <= len(choices) <= len(LETTERS):
        raise ValueError(f"a quiz has {FEWEST} to {len(LETTERS)} choices, not {len(choices)}")
    if sum(choice.right for choice in choices) != 1:
        raise ValueError("a quiz has exactly one right choice, marked '- [x] …'")
    silent = [choice.text for choice in choices if not "".join(choice.why).strip()]
    if silent:
        raise ValueError(f"a choice of a quiz does not say why: {silent[0]!r}")
    return choices


def read_quizzes(text: str) -> list[tuple[int, str, list[Choice]]]:
    """The questions of a page.

    Parameters
    ----------
    text : str
        A page in MyST Markdown.

    Returns
    -------
    questions : list of tuple of int, str and list of Choice
        Number, question and choices of each.

    Raises
    ------
    ValueError
        If a question has no number.
    """
    found = []
    for quiz in QUIZ.finditer(text):
        number, question = _numbered(quiz[2])
        found.append((number, question, read_choices(quiz[3].splitlines())))
    return found


def _numbered(argument: str) -> tuple[int, str]:
    matched = QUESTION.fullmatch(argument.strip())
    if matched is None:
        raise ValueError(f"a quiz begins with its number and question, '1. …', not {argument!r}")
    return int(matched[1]), matched[2]


class quiz(nodes.General, nodes.Element):  # noqa: N801 - docutils names the visitors of a node after its class
    """A question with its choices and reasons."""


class quiz_answers(nodes.General, nodes.Element):  # noqa: N801
    """The reasons of a question, which open by themselves on paper."""


class QuizDirective(SphinxDirective):
    """A question with choices."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content: ClassVar[bool] = True

    def run(self) -> list[nodes.Node]:
        """The question, its choices and their reasons.

        Returns
        -------
        found : list of Node
        """
        try:
            number, question = _numbered(self.arguments[0])
            choices = read_choices(list(self.content))
        except ValueError as error:
            raise self.error(str(error)) from error
        name = f"quiz-{number}"
        box = quiz("", ids=[name], digest=_digest(question, choices), right=[one.right for one in choices].index(True))
        prompt = nodes.container("", ids=[f"{name}-question"], classes=["quiz-question"])
        self._parse([f"**{number}.** {question}"], self.lineno, prompt)
        box += prompt
        box += self._choices(choices)
        box += self._answers(choices)
        self.set_source_info(box)
        return [box]

    def _choices(self, choices: list[Choice]) -> nodes.Element:
        found = nodes.enumerated_list("", enumtype="upperalpha", prefix="", suffix=".", classes=["quiz-choices"])
        for choice in choices:
            item = nodes.list_item()
            self._parse([choice.text], self.content_offset + choice.line, item)
            found += item
        return found

    def _answers(self, choices: list[Choice]) -> nodes.Element:
        found = quiz_answers()
        for letter, choice in zip(LETTERS, choices, strict=False):
            why = nodes.container("", classes=["quiz-why"])
            verdict = f"**{letter}** is {'right' if choice.right else 'wrong'}."
            self._parse([verdict], self.content_offset + choice.line, why)
            next(why.findall(nodes.paragraph))["classes"].append("quiz-verdict")
            self._parse(choice.why, self.content_offset + choice.line + 1, why)
            found += why
        return found

    def _parse(self, lines: list[str], offset: int, parent: nodes.Element) -> None:
        source, _ = self.get_source_info()
        self.state.nested_parse(StringList(lines, source), offset, parent)


def _digest(question: str, choices: list[Choice]) -> str:
    """Tells whether a stored answer was given to the same question and choices."""
    words = "\0".join([question, *(choice.text for choice in choices)])
    return hashlib.sha256(words.encode()).hexdigest()[:12]


def _open_quiz(self: Any, node: nodes.Element) -> None:
    given = {"data-digest": node["digest"], "data-right": str(node["right"]), "role": "group"}
    given["aria-labelledby"] = f"{node['ids'][0]}-question"
    self.body.append(self.starttag(node, "div", CLASS="quiz", **given))


def _close_quiz(self: Any, _: nodes.Element) -> None:
    self.body.append("</div>\n")


def _open_answers(self: Any, _: nodes.Element) -> None:
    self.body.append(f'<details class="quiz-answers"><summary>{self.config.quiz_answer}</summary>\n')


def _close_answers(self: Any, _: nodes.Element) -> None:
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and how its nodes are written.

    Parameters
    ----------
    app : Sphinx

    Returns
    -------
    metadata : dict
    """
    app.add_node(quiz, html=(_open_quiz, _close_quiz))
    app.add_node(quiz_answers, html=(_open_answers, _close_answers))
    app.add_directive("quiz", QuizDirective)
    app.add_config_value("quiz_answer", "Answer", "html", str)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
