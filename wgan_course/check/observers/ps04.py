"""Observing for problem set 4: what a per-sample gradient may need is loaded before the clock starts.

The first use of ``torch.func.vmap`` imports a large part of PyTorch. On a busy machine that alone can outlast a case's
time limit, and an import that is interrupted stays broken.
"""

import torch

from ..observe import call

__all__ = ["call"]

torch.func.vmap(torch.func.grad(torch.sin))(torch.ones(1))
