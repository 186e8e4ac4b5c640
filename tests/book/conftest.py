"""For the reruns of stored results."""

import pytest
import torch


@pytest.fixture(scope="module")
def one_thread():
    """The results were made on one thread, and sums on several are rounded otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
