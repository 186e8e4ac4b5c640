"""The order in which several processes take the tests: that of the collection, whatever the size of a group."""

from types import SimpleNamespace

from xdist.scheduler import LoadGroupScheduling


class Process:
    """One of pytest's, that notes what it is told to run."""

    shutting_down = False

    def __init__(self, number):
        self.gateway = SimpleNamespace(id=number)
        self.told = []

    def send_runtest_some(self, indices):
        self.told += indices

    def shutdown(self):
        """There is nothing to end."""


def test_what_comes_first_is_begun_first(request):
    config = SimpleNamespace(option=request.config.option, getvalue=lambda name: ["2*popen"])
    tests = ["a.py::long@book", *(f"b.py::test[{number}]@of-many" for number in range(5)), "c.py::short", "d.py::short"]
    scheduler, processes = LoadGroupScheduling(config), [Process(0), Process(1)]
    for process in processes:
        scheduler.add_node(process)
        scheduler.add_node_collection(process, tests)
    scheduler.schedule()
    assert processes[0].told[0] == 0
    assert processes[1].told[:5] == [1, 2, 3, 4, 5]
