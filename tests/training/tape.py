"""A CUDA graph without CUDA: it records the operations that a function makes on tensors, and makes them again.

As a graph does, a tape keeps the tensors and the numbers that it saw: whatever the function reads on the host is baked
in, whatever it changes on the host happens once. It refuses what a graph refuses, a look at a number on the device.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

LOOKS = {"aten._local_scalar_dense.default", "aten.equal.default", "aten.is_nonzero.default", "aten.nonzero.default"}
# On the CPU alone, penalties ask whether all of a batch is finite, and networks whether a label is a class.
ON_THE_CPU = {"aten.all.default", "aten.min.default", "aten.max.default"}


def tensors(tree):
    return [leaf for leaf in tree_flatten(tree)[0] if isinstance(leaf, torch.Tensor)]


class Recording(TorchDispatchMode):
    """Keeps every operation with what went in and what came out."""

    def __init__(self):
        super().__init__()
        self.operations, self.answers = [], []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if str(function) in LOOKS and not any(args[0] is answer for answer in self.answers):
            raise RuntimeError(f"{function} waits for the device, which no graph can hold")
        result = function(*args, **kwargs)
        if str(function) in ON_THE_CPU:
            self.answers.append(result)
        self.operations.append((function, args, kwargs, result))
        return result


def storage(tensor):
    return tensor.untyped_storage().data_ptr()


@torch.no_grad()
def again(operation):
    """Make an operation again, into the tensors that it gave before; a view is there already."""
    function, args, kwargs, result = operation
    known = {storage(tensor) for tensor in tensors((args, kwargs))}
    fresh = [storage(tensor) not in known for tensor in tensors(result)]
    if function._schema.is_mutable or any(fresh):
        for old, new, own in zip(tensors(result), tensors(function(*args, **kwargs)), fresh, strict=True):
            if own:
                old.copy_(new)


def capture(body, generators):
    """As `graph.capture`; the recording itself is the first replay."""
    with Recording() as recording:
        body()
    left = [None, *recording.operations]

    def replay():
        if left and left[0] is None:
            left.pop(0)
            return
        for operation in recording.operations:
            again(operation)

    return replay
