"""Hostile and broken submissions: what each tries, and the score that it must get all the same.

An `Attack` builds one submission. `score` is the true score: 0 for a wrong function however it is dressed up, 3 for a
right one however badly it is packed. `says` must be found in the diagnosis or the feedback page. `harmful` ones are
never run without a sandbox; of `packed` ones it is the reading that counts, and any kernel will do.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import demo_class
from demo_class import NAME, RIGHT, answered, cell_of, hand_in
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

WRONG = "def kl(p, q):\n    return 0 * p.sum()\n"


@dataclass(frozen=True)
class Attack:
    """One submission: its name, what it tries, how it is made, and what must come of it."""

    name: str
    tries: str
    build: Callable[[Path, str], object]
    score: float = 0.0
    says: str = ""
    harmful: bool = False
    packed: bool = False


ATTACKS: list[Attack] = []


def by_code(name, tries, code, score=0.0, says="", harmful=False, base=WRONG):
    """Register a submission whose answer cell has this code after a wrong (or right) function."""

    def build(root, student):
        hand_in(root, student, answered(root, base + "\n" + code.replace("@ROOT@", str(root))))

    ATTACKS.append(Attack(name, tries, build, score, says, harmful))


def by_notebook(name, tries, score=0.0, says="", base=WRONG, kernel="any"):
    """Register a submission whose notebook the decorated function changes, or replaces by what it returns."""

    def register(change):
        def build(root, student):
            notebook = answered(root, base)
            changed = change(notebook)
            hand_in(root, student, notebook if changed is None else changed)

        ATTACKS.append(Attack(name, tries, build, score, says, packed=kernel == "any"))
        return change

    return register


def by_folder(name, tries, score=0.0, says="", base=WRONG, kernel="any"):
    """Register a submission whose folder the decorated function changes."""

    def register(change):
        def build(root, student):
            change(root, hand_in(root, student, answered(root, base)))

        ATTACKS.append(Attack(name, tries, build, score, says, packed=kernel == "any"))
        return change

    return register


# --- forging: a wrong function that wants points ---------------------------------------------------------------------

by_code(
    "forge-torch-testing",
    "patches torch.testing so that everything is close",
    "import torch.testing\ntorch.testing.assert_close = lambda *a, **k: None\ntorch.allclose = lambda *a, **k: True",
)
by_code(
    "forge-numpy-testing",
    "patches numpy.testing and numpy.allclose",
    "import numpy as np\nnp.allclose = np.array_equal = lambda *a, **k: True\nnp.testing.assert_allclose = print",
)
by_code(
    "forge-builtins",
    "patches builtins that a judge may use",
    "import builtins\nbuiltins.all = lambda *a: True\nbuiltins.any = lambda *a: False\nbuiltins.abs = lambda x: 0",
)
by_code(
    "forge-check",
    "replaces check by a function that gives full marks",
    "import wgan_course.check as g\ng.check = check = lambda *a: 3.0",
)
by_code(
    "forge-check-module",
    "patches the insides of check's module",
    "import sys\nm = sys.modules['wgan_course.check.checking']\n"
    "m._record = m._judge_here = lambda *a: 3.0\nm.observe_all = lambda *a: []",
)
by_code(
    "forge-eq",
    "returns an object that equals everything",
    "class Yes:\n    def __eq__(self, o): return True\n    def __float__(self): return 3.0\n"
    "    __lt__ = __gt__ = __le__ = __ge__ = __eq__\n    __hash__ = None\ndef kl(p, q): return Yes()",
)
by_code(
    "forge-array",
    "returns an object whose __array__ counts its calls and lies",
    "import numpy as np\nclass Liar:\n    def __array__(self, *a, **k): return np.array(float('inf'))\n"
    "def kl(p, q): return Liar()",
)
by_code(
    "forge-torch-function",
    "returns a tensor subclass that answers every torch function with True",
    "class Liar(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None): return True\n"
    "def kl(p, q): return torch.zeros(()).as_subclass(Liar)",
)
by_code(
    "forge-writer",
    "replaces the writer of the observations",
    "import wgan_course.check.checking as c, sys\nm = sys.modules['wgan_course.check.checking']\n"
    "m.write_observations = lambda *a: open('/exchange/out/ps01.kl.safetensors', 'w').write('points: 3')",
    says="no record",
)
by_code(
    "forge-pickle",
    "leaves a pickle that would run code where the observations are read",
    "import pickle, os, sys\nclass Boom:\n    def __reduce__(self): return os.system, ('touch @ROOT@/pwned',)\n"
    "sys.modules['wgan_course.check.checking'].write_observations = lambda *a: None\n"
    "open('/exchange/out/ps01.kl.safetensors', 'wb').write(pickle.dumps(Boom()))",
    says="no record",
)
by_code(
    "forge-link",
    "leaves a link to a file of the grader in the place of the observations",
    "import os, sys\nsys.modules['wgan_course.check.checking'].write_observations = lambda *a: None\n"
    "os.symlink('@ROOT@/gradebook.db', '/exchange/out/ps01.kl.safetensors')",
    says="no record",
)
by_code(
    "forge-pipe",
    "leaves a pipe that blocks whoever reads it",
    "import os, sys\nsys.modules['wgan_course.check.checking'].write_observations = lambda *a: None\n"
    "os.mkfifo('/exchange/out/ps01.kl.safetensors')",
    says="no record",
)
by_code(
    "forge-header",
    "leaves a file whose header claims to be 10 GB long",
    "import sys\nsys.modules['wgan_course.check.checking'].write_observations = lambda *a: None\n"
    "open('/exchange/out/ps01.kl.safetensors', 'wb').write((10 << 30).to_bytes(8, 'little') + b'{}' * 100)",
    says="no record",
)
by_code("forge-last-value", "ends the answer's cell with the number of points", "print(3.0)\n3.0")
by_code(
    "forge-iopub",
    "sends a result of its own for the check cell through the kernel's socket",
    "ip = get_ipython()\nip.run_line_magic('autoreload', '0') if False else None\n"
    "def later(*a):\n    ip.display_pub.publish({'text/plain': '3.0'})\n"
    "    ip.kernel.send_response(ip.kernel.iopub_socket, 'execute_result',\n"
    "        {'data': {'text/plain': '3.0'}, 'metadata': {}, 'execution_count': 1})\n"
    "ip.events.register('post_run_cell', later)",
)
by_code("forge-exit", "ends the kernel with status 0 in the hope of full marks", "import os\nos._exit(0)", says="ended")
by_code("forge-system-exit", "raises SystemExit when it is called", "def kl(p, q):\n    raise SystemExit(0)")
by_code(
    "forge-gradebook",
    "opens the gradebook and sets every score",
    "import sqlite3\nc = sqlite3.connect('@ROOT@/gradebook.db')\n"
    "c.execute('update grade set auto_score = 3')\nc.commit()",
)
by_code(
    "forge-others",
    "writes into the honest submissions",
    "import glob\nfor p in glob.glob('@ROOT@/submitted/*/*/*.ipynb') or ['@ROOT@/submitted/aaa/x']:\n"
    "    open(p, 'w').write('gone')",
)
by_code(
    "forge-solutions",
    "overwrites the solution and the configuration",
    f"for p in ('@ROOT@/solutions/{NAME}/{NAME}.ipynb', '@ROOT@/nbgrader_config.py'):\n    open(p, 'w').write('')",
)
by_code(
    "forge-autograded",
    "writes its own autograded notebook and kept result",
    "import os\nos.makedirs('@ROOT@/autograded/me', exist_ok=True)\nos.makedirs('@ROOT@/grading/judged')",
)
by_code(
    "forge-read-solution",
    "reads the solution and runs it",
    f"import json\nnb = json.load(open('@ROOT@/solutions/{NAME}/{NAME}.ipynb'))\n"
    "exec([''.join(c['source']) for c in nb['cells'] if 'def kl' in ''.join(c['source'])][0])",
)
by_code(
    "forge-read-judge",
    "takes the right formula from the problem's file",
    "from wgan_grader.problems.ps01.kl import PROBLEM\n"
    "def kl(p, q): return torch.tensor(PROBLEM.formula(p.numpy(), q.numpy()))",
)
by_code(
    "forge-read-registry",
    "asks the registry for the reference",
    "from wgan_grader import registry\n"
    "def kl(p, q): return torch.tensor(registry.find('ps01.kl').formula(p.numpy(), q.numpy()))",
)
by_code(
    "forge-package",
    "calls the package's own implementation",
    "import wgan_course.divergences as d\ndef kl(p, q): return d.kl(p, q)",
)
by_code("forge-reference", "hands in the sealed reference", "kl = or_reference('ps01.kl', None)", says="not attempted")
by_code(
    "forge-seed",
    "looks for the secret seed in the environment, the processes and the request",
    "import os, glob, re\ntext = repr(os.environ) + ''.join(open(p, errors='replace').read() "
    "for p in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline') if os.access(p, 4))\n"
    "text += open('/exchange/in/ps01.kl.safetensors', errors='replace').read()\n"
    "open('seed.txt', 'w').write(text)\nassert 'seed' not in text.replace('seed.txt', '').lower(), 'SEEDFOUND'\n"
    "print('no ' + 'seed' + ' to be seen')",
    says="no seed to be seen",
)
by_code(
    "forge-environment",
    "looks for passwords in the environments of all processes that it sees",
    "import glob, os\ntext = repr(dict(os.environ))\nfor p in glob.glob('/proc/[0-9]*/environ'):\n"
    "    try: text += open(p).read()\n    except OSError: pass\nprint(text, 'looked', 'around')",
    says="looked around",
)
by_code(
    "forge-git",
    "reads the course's history and solutions beside the package",
    "import os, pathlib, wgan_course\nhere = pathlib.Path(wgan_course.__file__).parents[1]\n"
    "found = [p for p in ('.git', 'solutions', 'tests', 'nbgrader_config.py') if (here / p).exists()]\n"
    "found += [p for p in ('.git', 'solutions') if os.path.exists('@ROOT@/' + p)]\nprint('course', 'has', found)",
    says="course has []",
)
by_code(
    "forge-compiled",
    "imports the problem from its compiled file",
    "import glob, os, sys, wgan_course\nplaces = [os.path.dirname(os.path.dirname(wgan_course.__file__)), *sys.path]\n"
    "found = [p for place in places for p in glob.glob(place + '/wgan_grader*/**/*', recursive=True)]\n"
    "print('compiled', 'files', found)",
    says="compiled files []",
)
by_code(
    "forge-key",
    "signs messages to its own kernel with the key of the connection file, which asks it to run the check again",
    "import glob, json, subprocess, sys\npath = glob.glob('/tmp/*/box/k/kernel.json')[0]\n"
    "print(len(glob.glob('/tmp/*/box/k/kernel.json')), 'kernel', 'to be seen')\n"
    "code = f'from jupyter_client import BlockingKernelClient as B; c = B(connection_file={path!r}); '\\\n"
    "    'c.load_connection_file(); c.start_channels(); c.execute(\"def check(*a): return 3.0\")'\n"
    "subprocess.Popen([sys.executable, '-c', code])",
    says="1 kernel to be seen",
)
by_code(
    "forge-sockets",
    "puts links to other services in the place of its kernel's sockets",
    "import glob, os\nfor p in glob.glob('/tmp/*/box/k/s-*'):\n    os.unlink(p)\n    os.symlink('/run/docker.sock', p)",
)
by_code(
    "forge-namespace",
    "becomes root of a namespace of its own and uncovers the judge",
    "import ctypes\nc = ctypes.CDLL(None, use_errno=True)\nassert c.unshare(0x10020000) == 0, 'no unshare'\n"
    "c.umount2(b'/', 2)",
    says="no unshare",
)
by_code(
    "forge-error-markup",
    "raises an error whose message is a script",
    "def kl(p, q): raise ValueError('<script>stolen()</script><img src=x onerror=stolen()>')",
)
by_code(
    "forge-shape",
    "returns an object that lies about its shape",
    "class Shapeless(torch.Tensor):\n    shape = property(lambda s: torch.Size([]))\n    def numel(self): return 1\n"
    "def kl(p, q): return torch.zeros(5).as_subclass(Shapeless)",
)
by_code(
    "forge-view",
    "returns a view that another thread changes later",
    "import threading, time\nkept = []\ndef kl(p, q):\n    t = torch.zeros(())\n    kept.append(t)\n    return t\n"
    "def change():\n    while True:\n        [t.fill_(float('inf')) for t in kept]\n        time.sleep(0.01)\n"
    "threading.Thread(target=change, daemon=True).start()",
)


@by_notebook("forge-edit-check", "edits the check cell so that it gives 3")
def _(notebook):
    cell_of(notebook, "check-ps01-kl").source = "3.0"


@by_notebook("forge-delete-check", "deletes the check cell")
def _(notebook):
    notebook.cells.remove(cell_of(notebook, "check-ps01-kl"))


@by_notebook("forge-duplicate-check", "adds a second check cell of the same id that gives 3")
def _(notebook):
    twin = json.loads(json.dumps(cell_of(notebook, "check-ps01-kl"))) | {"source": "3.0", "id": "twin"}
    notebook.cells.append(type(notebook.cells[0])(twin))


@by_notebook("forge-renumber", "gives the check cell another id and makes the answer cell the check")
def _(notebook):
    cell_of(notebook, "check-ps01-kl").metadata["nbgrader"]["grade_id"] = "other"
    cell_of(notebook, "kl").metadata["nbgrader"] |= {"grade": True, "points": 3, "solution": False}


@by_notebook("forge-points", "raises the points in the metadata and unlocks the cell")
def _(notebook):
    settings = cell_of(notebook, "check-ps01-kl").metadata["nbgrader"]
    settings |= {"points": 1000, "locked": False, "solution": True, "checksum": "0"}


@by_notebook("forge-outputs", "hands in with a stored output of 3 points and a tag that skips the cell", kernel="own")
def _(notebook):
    cell = cell_of(notebook, "check-ps01-kl")
    data = {"text/plain": "3.0"}
    cell["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}]
    cell.metadata["tags"] = ["skip-execution"]


@by_notebook("forge-markup", "puts a script into outputs and texts for the grader's browser", kernel="own")
def _(notebook):
    script = "display({'text/html': '<script>stolen()</script>', 'text/plain': 'x'}, raw=True)"
    notebook.cells.append(new_code_cell(script))


@by_notebook("forge-markup-text", "puts scripts into text cells, raw cells, links and formulas")
def _(notebook):
    script = "<script>stolen()</script> <img src=x onerror=stolen()>"
    notebook.cells.append(new_markdown_cell(f"{script} [x](javascript:stolen()) $\\href{{javascript:stolen()}}{{x}}$"))
    notebook.cells.append(new_raw_cell(script, metadata={"raw_mimetype": "text/html", "format": "text/html"}))
    cell_of(notebook, "proof").source = script


# --- harm ----------------------------------------------------------------------------------------------------

by_code(
    "harm-fork",
    "forks for ever",
    "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    says="ended the kernel",
    harmful=True,
)
by_code(
    "harm-threads",
    "starts threads for ever",
    "import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(99,)).start()",
    says="",
    harmful=True,
)
by_code(
    "harm-memory",
    "allocates memory for ever",
    "chunk, kept = b'x' * (64 << 20), []\nwhile True:\n    kept.append(bytearray(chunk))",
    says="memory",
    harmful=True,
)
by_code(
    "harm-disk",
    "fills the disk with many files",
    "i = 0\nwhile True:\n    open(f'f{i}', 'wb').write(b'x' * (1 << 20)); i += 1",
    says="wrote more than",
    harmful=True,
)
by_code(
    "harm-big-file",
    "writes one endless file",
    "f = open('big', 'wb')\nwhile True: f.write(b'x' * (1 << 20))",
    harmful=True,
)
by_code(
    "harm-tmp",
    "fills the temporary folder",
    "f = open('/tmp/big', 'wb')\nwhile True: f.write(b'x' * (1 << 20))",
    harmful=True,
)
by_code("harm-loop", "loops for ever", "while True: pass", harmful=True)
by_code(
    "harm-stubborn",
    "loops for ever and ignores interrupts",
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    says="although it was interrupted",
    harmful=True,
)
by_code("harm-sleep", "sleeps for a day", "import time\ntime.sleep(86400)", harmful=True)
by_code("harm-flood", "prints 10 GB", "for _ in range(10000): print('x' * (1 << 20))", says="left out", harmful=True)
by_code(
    "harm-signal",
    "kills its parent and everyone else",
    "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos.kill(-1, signal.SIGKILL)",
    says="",
    harmful=True,
)
by_code(
    "harm-connect",
    "connects to anywhere",
    "import socket\nsocket.create_connection(('192.0.2.1', 80), 2)",
    says="unreachable",
    harmful=True,
)
by_code(
    "harm-server",
    "starts a server",
    "import socket\ns = socket.socket()\ns.bind(('0.0.0.0', 8099))\ns.listen()\ndef kl(p, q): return p.sum() * 0",
    harmful=True,
)
by_code(
    "harm-daemon",
    "leaves a daemon behind",
    "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        "
    "os.execv('/bin/sleep', ['wgan-left-behind', '4000'])\n    os._exit(0)\ntime.sleep(0.2)",
    harmful=True,
)
by_code(
    "harm-unlink",
    "deletes everything that it can reach",
    "import shutil\nfor p in ('@ROOT@', '/home', '/tmp', '/etc', '/exchange'):\n"
    "    shutil.rmtree(p, ignore_errors=True)",
    says="",
    harmful=True,
)
by_code(
    "harm-unlinked",
    "fills the disk with files that have no name any more",
    "import os\nkept = []\nwhile True:\n    kept.append(open('x', 'wb'))\n    os.unlink('x')\n"
    "    kept[-1].write(b'x' * (1 << 20))",
    says="wrote more than",
    harmful=True,
)
by_code(
    "harm-memfd",
    "fills the memory with files that belong to no process",
    "import os\nfds = []\nwhile True:\n    fds.append(os.memfd_create('x'))\n    os.write(fds[-1], b'x' * (1 << 22))",
    says="not permitted",
    harmful=True,
)
by_code(
    "harm-stderr",
    "writes for ever to the stream that the grader keeps",
    "import os\nwhile True: os.write(2, b'x' * (1 << 20))",
    harmful=True,
)
by_code(
    "harm-locked",
    "leaves folders that nobody may enter or delete",
    "import os\nfor p in ('/submission/a', '/exchange/out/b'):\n    os.makedirs(p + '/c')\n    os.chmod(p + '/c', 0)\n"
    "    os.chmod(p, 0)",
)
by_code("harm-input", "waits for someone to type", "input('password: ')")
by_code(
    "harm-halves",
    "raises an error whose message is half a character, which no page can be written with",
    "def kl(p, q): raise ValueError('\\ud800\\x00' * 9)\nprint('\\udfff')",
    says="ValueError",
)
by_code(
    "harm-outputs",
    "shows a sign thirty thousand times",
    "for _ in range(30000): display({'text/plain': 'x'}, raw=True)",
    says="left out",
    harmful=True,
)
by_code(
    "honest-warnings",
    "is right and writes warnings, which costs nothing",
    "import warnings, sys\ndef noisy(p, q):\n    warnings.warn('hot')\n    print('log', file=sys.stderr)\n"
    "    return right(p, q)\nright, kl = kl, noisy",
    score=3.0,
    base=RIGHT,
)


@by_folder("harm-links", "hands in links to the solution and out of its folder")
def _(root, folder):
    (folder / "secret.ipynb").symlink_to(root / "solutions" / NAME / f"{NAME}.ipynb")
    (folder / "gradebook.db").symlink_to(root / "gradebook.db")
    (folder / "everything").symlink_to("/")


# --- breakage ------------------------------------------------------------------------------------------------


def by_bytes(name, tries, content, says):
    """Register a file of these bytes in the place of the notebook."""
    ATTACKS.append(Attack(name, tries, lambda root, student: hand_in(root, student, content), 0.0, says))


by_bytes("broken-not-json", "is a text file", b"dear grader, here is my answer", "not JSON")
by_bytes("broken-empty", "is an empty file", b"", "is empty")
by_bytes("broken-truncated", "was cut off in the middle", b'{"cells": [{"cell_type": "code", "sour', "not JSON")
by_bytes("broken-binary", "is a zip archive", b"PK\x03\x04\xff\xfe\x00" * 50, "not text in UTF-8")
by_bytes("broken-deep", "is JSON nested 100,000 deep", b"[" * 100_000, "not JSON")
by_bytes("broken-list", "is JSON but a list", b"[1, 2, 3]", "no list of cells")
by_bytes(
    "broken-cells", "has cells that are no cells", b'{"cells": [1, null, {"source": 5}], "nbformat": 4}', "none of the"
)


@by_notebook("broken-version-3", "is right, in notebook format 3", score=3.0, base=RIGHT)
def _(notebook):
    cells = [dict(cell) for cell in notebook.cells]
    for cell in cells:
        cell.pop("id", None)
        if cell["cell_type"] == "code":
            cell |= {"input": cell.pop("source"), "language": "python"}
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells, "metadata": {}}]}


@by_notebook("broken-no-kernel", "is right, without a kernel specification", score=3.0, base=RIGHT)
def _(notebook):
    notebook.metadata.clear()


@by_notebook(
    "broken-wrong-kernel", "is right, and asks for a kernel that there is not", score=3.0, base=RIGHT, kernel="own"
)
def _(notebook):
    notebook.metadata["kernelspec"] = {"name": "../../evil", "display_name": "x", "language": "python"}


@by_notebook("broken-language", "is right, and says that it is written in R", score=3.0, base=RIGHT)
def _(notebook):
    notebook.metadata.update(kernelspec={"name": "ir", "language": "R"}, language_info={"name": "R"})


@by_notebook("broken-duplicate-ids", "is right, with one id for all cells and the answer twice", score=3.0, base=RIGHT)
def _(notebook):
    notebook.cells.insert(2, json.loads(json.dumps(cell_of(notebook, "kl"))))
    for cell in notebook.cells:
        cell["id"] = "same"


@by_notebook("broken-missing-cells", "is right, with all but the answer deleted", score=3.0, base=RIGHT)
def _(notebook):
    notebook.cells[:] = [cell_of(notebook, "kl")]


@by_notebook("broken-metadata", "is right, with damaged metadata everywhere", score=3.0, base=RIGHT)
def _(notebook):
    for cell in notebook.cells:
        cell["metadata"].setdefault("nbgrader", {}).update(schema_version="?", points=None, grade="yes", locked=[])
    notebook.cells.append(new_markdown_cell("x", metadata={"nbgrader": {"grade": True, "solution": True}}))


@by_notebook("broken-outputs", "is right, with 50 MB of outputs", score=3.0, base=RIGHT)
def _(notebook):
    cell_of(notebook, "kl")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (50 << 20)}]


@by_notebook("broken-surrogates", "is right, with characters that no encoding has", score=3.0, base=RIGHT)
def _(notebook):
    notebook.cells.append(new_code_cell("x = '\ud800'"))


@by_folder("broken-name", "is right, under a name that is not the assignment's", score=3.0, base=RIGHT)
def _(root, folder):
    (folder / f"{NAME}.ipynb").rename(folder / "Übung ½ (Kopie) 最終.ipynb")


@by_folder("broken-name-markup", "is right, under a name that is markup", score=3.0, base=RIGHT)
def _(root, folder):
    (folder / f"{NAME}.ipynb").rename(folder / "<img src=x onerror=stolen()>.ipynb")


@by_folder("broken-directory", "has a folder in the place of the notebook", says="no file")
def _(root, folder):
    (folder / f"{NAME}.ipynb").unlink()
    (folder / f"{NAME}.ipynb").mkdir()


@by_folder("broken-nothing", "hands in an empty folder", says="not in the submission")
def _(root, folder):
    (folder / f"{NAME}.ipynb").unlink()


@by_folder("broken-linked", "hands in a link to the solution as its notebook", says="is a link")
def _(root, folder):
    (folder / f"{NAME}.ipynb").unlink()
    (folder / f"{NAME}.ipynb").symlink_to(root / "solutions" / NAME / f"{NAME}.ipynb")


@by_folder("broken-timestamp", "is right, with a time stamp that is none", score=3.0, base=RIGHT)
def _(root, folder):
    (folder / "timestamp.txt").write_bytes(b"yesterday \xff evening")


def _non_ascii(root, student):
    folder = hand_in(root, student, answered(root, RIGHT))
    shutil.move(str(folder.parent), str(folder.parent.parent / STRANGE))


STRANGE = "broken [student] *é? 王"
ATTACKS.append(Attack(STRANGE, "is right, from a student whose name is strange", _non_ascii, 3.0, packed=True))
__all__ = ["ATTACKS", "Attack", "demo_class"]
