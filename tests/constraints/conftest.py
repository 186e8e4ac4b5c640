"""Compiled code is forgotten after each test: past its limit of recompilations torch.compile silently runs eagerly."""

import sys

import pytest


@pytest.fixture(autouse=True)
def forget_compiled_code():
    yield
    if "torch._dynamo" in sys.modules:
        sys.modules["torch._dynamo"].reset()
