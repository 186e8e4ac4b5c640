"""The tool that edits solutions: which edits it makes, and that it tells survivors from the rest."""

from tools import mutants
from tools.mutate_references import Solution, judge, read_equal, solutions

SOURCE = """def gradient_is_small(d, threshold):
    ### BEGIN SOLUTION
    return d < threshold
    ### END SOLUTION
"""


def test_edits_are_made_inside_the_lines_only_and_once_each():
    code = "def f(x, n):\n    y = x - 1\n    return y.abs().mean(dim=n) / 2\n"
    found = list(mutants.mutants(code, range(3, 4)))
    labels = {mutant.after for mutant in found}
    assert {"return y.mean(dim=n) / 2", "return y.abs().sum(dim=n) / 2", "return y.abs().mean() / 2"} <= labels
    assert "return y.abs().mean(dim=n) * 2" in labels
    assert "return y.abs().mean(dim=x) / 2" in labels
    assert all("y = x - 1" in mutant.source for mutant in found)
    assert len({mutant.source for mutant in found}) == len(found)


def test_every_mutant_is_a_program_that_differs():
    for mutant in mutants.mutants(SOURCE, range(3, 4)):
        compile(mutant.source, "<mutant>", "exec")
        assert mutant.before != mutant.after


def test_a_sample_is_the_same_each_time():
    assert mutants.chosen(SOURCE, range(3, 4), 4, "key") == mutants.chosen(SOURCE, range(3, 4), 4, "key")
    assert len(mutants.chosen(SOURCE, range(3, 4), 4, "key")) == 4


def test_only_what_is_equal_survives_and_is_listed():
    row = judge(Solution("ps01.gradient_is_small", "gradient_is_small", SOURCE, {}))
    assert row.generated >= 10
    assert row.survivors == []
    assert len(row.equal) == 1


def test_what_is_listed_as_equal_is_an_edit_of_a_solution():
    listed = read_equal()
    names = sorted({key.partition(".")[0] for key in listed})
    found = {one.key: one for name in names for one in solutions(name) if one.key in listed}
    assert found.keys() == listed.keys()
    for solution in found.values():
        made = {text for m in mutants.mutants(solution.source, solution.lines) for text in (m.label, m.edit)}
        assert set(listed[solution.key]) <= made, solution.key
