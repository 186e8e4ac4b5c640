"""What is said of a criterion that failed: a named misconception, else the most particular true thing to be seen."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import permutations

from . import patterns
from .explain import explain
from .patterns import names_in_words
from .problem import Criterion, Problem, close
from .trials import Answer, Trial

MAX_MESSAGE = 400
STATUS = {
    "not-attempted": "raises NotImplementedError: this part is still open",
    "waits": "calls `{error}`, which is still open: write that one first",
    "refused": "cannot be judged: {error}",
    "timeout": "takes too long: {error}. Does a loop never end?",
    "unusable": "cannot be judged: {error}",
    "error": "stops with an error: {error}",
}
ALSO_OF_RIGHT = ("sign", "transposed", "order", "factor", "function")  # patterns that some right answers show
WHOLE = ("constant", "precision")  # patterns of which the words say themselves of what they hold
NOT_RIGHT = "The answer is not the right one."


@dataclass(frozen=True)
class Diagnosis:
    """What probably went wrong: the misconception's id and the text for the student."""

    id: str
    message: str


def diagnose(problem: Problem, criterion: Criterion, trials: Sequence[Trial]) -> Diagnosis | None:
    """What to say of a criterion; None where all of its cases pass."""
    failing = [trial for trial in trials if trial.case.criterion == criterion.id and not trial.passed]
    if not failing:
        return None
    found = explain(problem, failing, trials)
    if found is not None:
        return Diagnosis(found.id, found.message)
    return (
        _stopped(failing, trials)
        or _exchanged(failing)
        or _gradient(failing)
        or _shape(failing)
        or _value(criterion, failing, trials)
    )


def _stopped(failing: Sequence[Trial], trials: Sequence[Trial]) -> Diagnosis | None:
    """The first case in which the function did not come back with an answer."""
    stopped = [trial for trial in failing if not trial.ok]
    if not stopped:
        return None
    seen = stopped[0].seen
    alike = [trial for trial in failing if trial.seen.status == seen.status]
    scope = "It" if len(alike) == len(failing) else f"In {len(alike)} of the {len(failing)} cases that fail, it"
    said = STATUS[seen.status].format(error=seen.error[:MAX_MESSAGE]).rstrip(".")
    if seen.status in ("refused", "unusable") and scope == "It":
        said = seen.error[:MAX_MESSAGE].rstrip(".")
        scope = "The result cannot be used:" if seen.status == "unusable" else ""
    which = _which(trials) if len(alike) == len(failing) else ""
    return Diagnosis(f"generic:{seen.status}", _joined(_sentence(f"{scope} {said}"), which))


def _gradient(failing: Sequence[Trial]) -> Diagnosis | None:
    """All that came back is right, and a gradient is missing: an answer that is wrong has another fault first."""
    if not all(trial.missing and _values_right(trial) for trial in failing):
        return None
    if not all(name.startswith("gradient:") for trial in failing for name in trial.missing):
        return None
    missing = failing[0].missing
    reasons = list(dict.fromkeys(trial.seen.error for trial in failing))
    if reasons != [""]:
        return Diagnosis("generic:detached", f"The value is right, but it has no gradient: {reasons[0] or reasons[1]}.")
    reached = any(answer.name.startswith("gradient:") for trial in failing for answer in trial.answers)
    names = names_in_words([name.removeprefix("gradient:") for name in missing])
    if reached:
        return Diagnosis(
            "generic:detached", f"The value is right, but no gradient reaches {names}: a part was detached."
        )
    reason = "was the result detached, made with .item(), or computed under no_grad?"
    return Diagnosis("generic:detached", f"The value is right, but no gradient reaches {names}: {reason}")


def _values_right(trial: Trial) -> bool:
    """Whether all that came back beside gradients is right, also where the criterion looks at gradients alone."""
    if trial.answers:
        return not _wrong_values(trial)
    values = [name for name in trial.expected if not name.startswith("gradient:")]
    seen = trial.seen.outputs
    return bool(values) and all(name in seen and close(seen[name], trial.expected[name], trial.case) for name in values)


def _wrong_values(trial: Trial) -> list[Answer]:
    return [answer for answer in trial.wrong if not answer.name.startswith("gradient:")]


def _exchanged(failing: Sequence[Trial]) -> Diagnosis | None:
    """All results are right, in another order than was asked for, and it is one order in all cases."""
    orders = set.intersection(*({*_orders(trial)} for trial in failing))
    names = _results(failing[0])
    if not orders or tuple(names) in orders:
        return None
    called = failing[0].case.options.get("called")
    order = ", ".join(names_in_words([name], called) for name in names)
    return Diagnosis("generic:exchanged", f"The results are right, but come back in another order: ({order}) is right.")


def _orders(trial: Trial) -> list[tuple[str, ...]]:
    """Orders of the results in which they are those that came back."""
    names, seen = _results(trial), trial.seen.outputs
    if not trial.ok or not 2 <= len(names) <= 3:
        return []
    return [
        order
        for order in permutations(names)
        if all(close(seen[a], trial.expected[b], trial.case) for a, b in zip(names, order, strict=True))
    ]


def _results(trial: Trial) -> list[str]:
    return [name for name in trial.expected if ":" not in name and name in trial.seen.outputs]


def _shape(failing: Sequence[Trial]) -> Diagnosis | None:
    """Both shapes, for the first case in which they differ."""
    differing = [[answer for answer in trial.answers if _differs(answer)] for trial in failing]
    found = [answers[0] for answers in differing if answers]
    if not found:
        return None
    scope = "" if len(found) == len(failing) else f"In {len(found)} of the {len(failing)} cases that fail: "
    answer = min(found, key=lambda a: sum(getattr(v, "size", 1) for v in a.case.inputs.values()))
    named = _begun(names_in_words([answer.name], answer.case.options.get("called")))
    whose = "The result" if answer.name == "value" else named
    given = ", ".join(
        f"{n} of shape {v.shape}" for n, v in answer.case.inputs.items() if getattr(v, "ndim", 0) and "." not in n
    )
    right = all(a.seen.size == a.expected.size and _reshaped(a).right for a in found)
    numbers = " Its numbers are right." if right else ""
    found_in = f"{whose} has the shape {answer.seen.shape}{f' for {given}' if given else ''}"
    return Diagnosis("generic:shape", f"{scope}{found_in}; {answer.expected.shape} is right.{numbers}")


def _differs(answer: Answer) -> bool:
    return answer.seen.shape != answer.expected.shape and not answer.seen.size == answer.expected.size == 1


def _reshaped(answer: Answer) -> Answer:
    return Answer(answer.name, answer.seen.reshape(answer.expected.shape), answer.expected, answer.case)


def _value(criterion: Criterion, failing: Sequence[Trial], trials: Sequence[Trial]) -> Diagnosis:
    """What the wrong numbers have in common, and which inputs they belong to."""
    kind, said = _pattern(failing, trials)
    everywhere = [trial for trial in trials if not trial.passed]
    which = "" if _holds_everywhere(kind, said, failing, trials) else _which(trials)
    parts = _parts(failing)
    id = kind or ("which" if which else "parts" if parts else "value")
    amount = "" if kind == "yes-or-no" else _amount(failing)
    more = "" if which or kind not in ("", "direction", "yes-or-no") else amount
    tried = (
        "" if which or kind in WHOLE or _holds_everywhere(kind, said, failing, trials) else _tried(criterion, trials)
    )
    if tried and said and kind not in ("direction", "yes-or-no"):
        return Diagnosis(f"generic:{id}", _joined(parts, tried, f"There, {said[0].lower()}{said[1:]}"))
    if said and len(everywhere) > len(failing) and _pattern(everywhere, trials) != (kind, said):
        said = f"Under “{criterion.title}”, {said[0].lower()}{said[1:]}"
    return Diagnosis(f"generic:{id}", _joined(parts, said, which, more, tried) or NOT_RIGHT)


def _amount(failing: Sequence[Trial]) -> str:
    if any(not trial.wrong for trial in failing):
        return ""
    with suppress(Exception):
        among = " in the outputs that hold an error" if any(a.right for t in failing for a in t.answers) else ""
        return patterns.amount([answer for trial in failing for answer in trial.wrong], among)
    return ""


def _tried(criterion: Criterion, trials: Sequence[Trial]) -> str:
    """Which of a criterion's cases fail, by name, where not all do; names with a drawn number stay untold."""
    own = [trial for trial in trials if trial.case.criterion == criterion.id]
    failing = [trial for trial in own if not trial.passed]
    names = [trial.case.name for trial in failing if not re.search(r"\d\.\d", trial.case.name)]
    if len(failing) == len(own):
        return ""
    listed, more = ", ".join(f"“{name}”" for name in names[:2]), len(failing) - len(names[:2])
    named = f": {listed}{f' and {more} more' if more else ''}" if names else ""
    return f"Of {len(own)} cases it fails {len(failing)}{named}."


def _which(trials: Sequence[Trial]) -> str:
    with suppress(Exception):
        return patterns.which_inputs(trials)
    return ""


def _pattern(failing: Sequence[Trial], trials: Sequence[Trial]) -> tuple[str, str]:
    answers = [answer for trial in failing for answer in trial.wrong]
    if not answers or any(not trial.wrong for trial in failing):
        return "", ""
    with suppress(Exception):
        if said := patterns.constant(trials):
            return "constant", said
    for kind, observer in patterns.VALUES:
        with suppress(Exception):
            said = observer(answers)
            if said and (kind != "function" or observer(_alike(answers, trials))):
                return kind, said
    return "", ""


def _holds_everywhere(kind: str, said: str, failing: Sequence[Trial], trials: Sequence[Trial]) -> bool:
    """Whether the cases that pass show the pattern too, as 0 is a hundred times 0: then no input makes others fail."""
    answers = _alike([answer for trial in failing for answer in trial.wrong], trials)
    with suppress(Exception):
        return kind in ALSO_OF_RIGHT and any(kind == k and observer(answers) == said for k, observer in patterns.VALUES)
    return False


def _alike(answers: Sequence[Answer], trials: Sequence[Trial]) -> list[Answer]:
    """The same outputs in all cases: where one is right, and its square is another number, nothing is squared."""
    names = {answer.name for answer in answers}
    return [answer for trial in trials for answer in trial.answers if answer.name in names]


def _parts(failing: Sequence[Trial]) -> str:
    """Which outputs are right and which are not, where they are the same in all cases."""
    wrong = {tuple(answer.name for answer in trial.wrong) for trial in failing}
    right = {tuple(answer.name for answer in trial.answers if answer.right) for trial in failing}
    if len(wrong) > 1 or len(right) > 1 or not all((*wrong, *right)):
        return ""
    (bad,), (good,) = wrong, right
    if len(bad) > 3:
        return f"Of the {len(good) + len(bad)} results {len(good)} are right."
    verb = "is" if len(bad) == 1 else "are"
    called = failing[0].case.options.get("called")
    whole = all(name in trial.judged for trial in failing for name in trial.expected)
    others = "all else is" if whole else "all else that counts here is"
    rest = f"{names_in_words(good, called)} is" if len(good) == 1 else others
    return _begun(f"{names_in_words(bad, called)} {verb} wrong, {rest} right.")


def _begun(text: str) -> str:
    """With a capital letter, but where it begins with the name of a variable."""
    return f"T{text[1:]}" if text.startswith("the ") else text


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', '!')) else '.'}"


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))
