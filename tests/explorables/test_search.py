"""The search of the built book, in node."""


def test_the_search_finds_without_accents_and_shows_where(run_node):
    assert run_node("search.test.mjs") == {"passed": 9, "failed": 0, "skipped": 0}
