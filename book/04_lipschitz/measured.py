"""Numbers that the text of chapter 4 takes from its stored results; one for each seed."""

from tools.book.results import over_seeds, read_results

_STORED = read_results("04_looseness")


def _interval(depth):
    upper, lower = (over_seeds(_STORED, lambda seed, end=end: seed[depth][end]) for end in ("upper", "lower"))
    return upper / lower


def looseness_two():
    """Upper over lower end of the Lipschitz interval with two hidden layers."""
    return _interval("2")


def looseness_six():
    """The same with six."""
    return _interval("6")
