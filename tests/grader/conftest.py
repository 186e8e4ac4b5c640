"""What all tests of the grader share."""

import functools

import pytest


@pytest.fixture(scope="session", autouse=True)
def alembic_is_asked_once():
    """nbgrader starts a process for each new gradebook that says which version its tables have: always the same."""
    from nbgrader import api

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "get_alembic_version", functools.cache(api.get_alembic_version))
        yield
