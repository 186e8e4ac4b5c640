"""Kernels that are forked from one process: confined as those that are started, and nothing passes between them."""

import ast
import os
import shutil

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from wgan_grader import sandbox, warm
from wgan_grader.execution import Settings, run_notebook
from wgan_grader.sandbox import Workspace

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.xdist_group("sandbox"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap"),
]

# What a submission does to its surroundings, and how that is seen.
WAYS = {
    "file in /tmp": ("open('/tmp/mark', 'w').close()", "os.path.exists('/tmp/mark')"),
    "file in memory": ("open('/dev/shm/mark', 'w').close()", "os.path.exists('/dev/shm/mark')"),
    "file at home": ("open(os.path.expanduser('~/mark'), 'w').close()", "os.listdir(os.path.expanduser('~'))"),
    "file of its own": ("open('mark', 'w').close()", "os.path.exists('/submission/mark')"),
    "environment": ("os.environ['MARK'] = '1'", "sorted(os.environ)"),
    "patched torch": ("torch.Tensor.sum = lambda *a, **k: 0", "float(torch.ones(2).sum())"),
    "patched builtins": ("builtins.hex = lambda x: 0", "builtins.hex(3)"),
    "patched check": ("wgan_course.check.check = 1", "callable(wgan_course.check.check)"),
    "modules": ("sys.modules['mark'] = sys", "'mark' in sys.modules"),
    "path": ("sys.path.insert(0, '/tmp')", "list(sys.path)"),
    "default type": ("torch.set_default_dtype(torch.float64)", "str(torch.get_default_dtype())"),
    "seed of torch": ("torch.manual_seed(5)", "torch.initial_seed()"),
    "threads of torch": ("torch.set_num_threads(2)", "torch.get_num_threads()"),
    "threads": ("threading.Thread(target=time.sleep, args=(9,), name='mark').start()",
                "any(one.name == 'mark' for one in threading.enumerate())"),
    "processes": ("subprocess.Popen(['sleep', '99'])", "sum(name.isdecimal() for name in os.listdir('/proc'))"),
    "socket": ("keep = socket.socket(socket.AF_UNIX); keep.bind('\\0mark'); keep.listen()",
               "socket.socket(socket.AF_UNIX).connect_ex('\\0mark')"),
    "at exit": ("atexit.register(print)", "atexit._ncallbacks()"),
    "folder": ("os.chdir('/tmp')", "os.getcwd()"),
    "mask": ("os.umask(0)", "os.umask(os.umask(0o77)) and None or open('/proc/self/status').read().split()[3]"),
    "signals": ("signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "str(signal.getsignal(signal.SIGUSR1))"),
    "limits": ("resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))", "resource.getrlimit(resource.RLIMIT_NOFILE)"),
    "warnings": ("warnings.simplefilter('error')", "len(warnings.filters)"),
    "garbage": ("gc.disable()", "gc.isenabled()"),
}  # fmt: skip
NEEDS = (
    "import atexit, builtins, gc, os, random, re\n"
    "import resource, signal, socket, subprocess, sys, threading, time, warnings\n"
    "import numpy, torch, wgan_course.check"
)
KINDS = ("mnt", "pid", "net", "ipc", "uts", "cgroup")
ALSO = {
    "random": "random.random()",
    "random of numpy": "float(numpy.random.rand())",
    "namespaces": f"[os.stat(f'/proc/self/ns/{{kind}}').st_ino for kind in {KINDS}]",
}
# What a kernel is, whichever way it came to be.
LIKENESS = {
    "rights": "[line for line in open('/proc/self/status') if line[:6] in ('CapPrm', 'CapEff', 'CapAmb')]",
    "calls": "[line for line in open('/proc/self/status') if line[:5] in ('NoNew', 'Secco', 'Group', 'Umask')]",
    "signals": "[line for line in open('/proc/self/status') if line[:6] in ('SigIgn', 'SigBlk')]",
    "limits": "{name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name[:7] == 'RLIMIT_'}",
    "environment": "dict(os.environ)",
    "folder": "(os.getcwd(), sorted(os.listdir('/')), [name for name in os.listdir('/tmp') if 'wgan-run' not in name])",
    "host": "(socket.gethostname(), os.getppid() in (0, 1), [name for _, name in socket.if_nameindex()])",
    "mounts": "sorted(re.sub('wgan-run-[^/]*', '', line.split()[1]) for line in open('/proc/self/mounts'))",
    "standard files": "[os.readlink(f'/proc/self/fd/{number}').split(':')[0] for number in (0, 1)]",
    "arguments": "[os.path.basename(sys.argv[0]).removesuffix('.py'), *sys.argv[1:2], *sys.argv[3:]]",
    "path": "sys.path",
    "shared memory": "[line for line in open('/proc/self/maps') if 'rw-s' in line]",
    "grader": "[name for name in sys.modules if name.startswith(('wgan_grader', '_warm', 'nbgrader'))]",
    "processor": "time.process_time() < 30",
}


def outcome(*sources, **options):
    """Run cells in a sandbox of their own; what the last one printed, and what went wrong."""
    space = Workspace.create()
    notebook = new_notebook(cells=[new_code_cell(source) for source in (NEEDS, *sources)])
    try:
        done = run_notebook(notebook, space, Settings(cell_timeout=60, **options))
        log = (space.root / "kernel.log").read_text()
    finally:
        space.remove()
    assert done.fatal == {}, log
    outputs = notebook.cells[-1].outputs
    texts = [output.text for output in outputs if output.output_type == "stream" and output.name == "stdout"]
    assert texts, (outputs, log)
    return ast.literal_eval("".join(texts)), done


def seeing(expressions):
    return "print({" + ", ".join(f"{name!r}: ({code})" for name, code in expressions.items()) + "})"


@pytest.fixture(scope="module")
def three_forks():
    """What one fork saw, what the next one saw after it had done all it could, and what the third one saw."""
    see = seeing({name: code for name, (_, code) in WAYS.items()} | ALSO)
    do = "\n".join(code for code, _ in WAYS.values())
    before, first = outcome(see)
    touched, _ = outcome(do, see)
    after, _ = outcome(see)
    return before, touched, after, first


@pytest.mark.parametrize("way", WAYS)
def test_nothing_passes_from_one_fork_to_the_next(three_forks, way):
    before, touched, after, _ = three_forks
    assert touched[way] != before[way], "the submission has changed nothing, so that this could not fail"
    assert after[way] == before[way]


def test_an_honest_run_has_nothing_to_be_told(three_forks):
    assert three_forks[3].notes == []


@pytest.fixture(scope="module")
def likeness():
    """What a kernel that is forked sees of itself, and one that is started."""
    return [outcome(seeing(LIKENESS), forked=forked)[0] for forked in (True, False)]


@pytest.mark.parametrize("what", LIKENESS)
def test_a_kernel_that_is_forked_is_confined_as_one_that_is_started(likeness, what):
    forked, started = likeness
    assert forked[what] == started[what]


def test_a_fork_stands_in_no_namespace_of_the_grader(three_forks):
    ours = [os.stat(f"/proc/self/ns/{kind}").st_ino for kind in KINDS]
    assert not set(ours) & set(three_forks[0]["namespaces"])


@pytest.mark.parametrize("of", ["random", "random of numpy"])
def test_random_numbers_of_two_forks_differ(three_forks, of):
    assert three_forks[0][of] != three_forks[2][of]


def test_where_no_fork_can_be_had_the_kernel_is_started(monkeypatch, caplog):
    def refuse(*_):
        raise warm.WarmError("no")

    monkeypatch.setattr(warm.Template, "fork", refuse)
    assert outcome("print(6 * 7)")[0] == 42
    assert "so it is started" in caplog.text


def test_a_template_that_has_ended_is_made_anew():
    first = warm.template(sandbox.environment())
    first.process.kill()
    first.process.wait()
    assert warm.template(sandbox.environment()).process.pid != first.process.pid


def may_make_groups():
    return any(os.access(place, os.W_OK) and (place / "cgroup.procs").exists() for place in sandbox.GROUPS)


@pytest.mark.skipif(not may_make_groups(), reason="may not make groups of processes")
@pytest.mark.parametrize("forked", [True, False])
def test_a_sandbox_has_one_share_of_the_processors_whatever_it_starts(forked):
    """The group of the run holds the kernel and what its cells start, and goes with it."""
    code = "print([open(f'/proc/{pid}/cgroup').read() for pid in (os.getpid(), subprocess.Popen(['sleep', '99']).pid)])"
    groups, _ = outcome(code, forked=forked)
    assert all(sandbox.PREFIX in text for text in groups)
    left = [one.name for place in sandbox.GROUPS for one in place.glob(f"{sandbox.PREFIX}*")]
    assert not [name for name in left if name in "".join(groups)]
