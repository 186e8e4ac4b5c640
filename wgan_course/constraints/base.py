"""The interface of a Lipschitz constraint: three places where it can act, and nothing else."""

import contextlib
from collections.abc import Callable

import torch
from torch import Tensor, nn


class Constraint:
    """How a critic is kept Lipschitz.

    A constraint acts in one of three places, and overrides the hook of that place: on the architecture (`prepare`), on
    the loss (`penalty`), or on the weights after each optimiser step (`project_`). A training loop calls all three, in
    this order, and is the same for every constraint::

        critic = constraint.prepare(critic)
        for each critic step:
            loss = objective.critic_loss(critic(real), critic(fake)) + constraint.penalty(critic, real, fake, rng)
            loss.backward(); optimizer.step(); constraint.project_(critic)

    Compared in chapters 5 (clipping), 6 (penalties) and 8 (spectral normalisation).
    """

    name = "constraint"

    def prepare(self, critic: nn.Module) -> nn.Module:
        """Change the architecture in place, once, before the optimiser is made; return the same critic."""
        return critic

    def penalty(
        self,
        critic: Callable[..., Tensor],
        real: Tensor | None = None,
        fake: Tensor | None = None,
        rng: torch.Generator | None = None,
        **conditioning: Tensor,
    ) -> Tensor:
        """Return what the critic's loss grows by, weight included.

        Parameters
        ----------
        critic : Module or callable
            Maps a batch to one score a sample.
        real : Tensor, shape (n, \\*)
        fake : Tensor, shape (n, \\*)
        rng : torch.Generator
            Source of all randomness of the penalty.
        **conditioning
            Further arguments of the critic, by name, such as ``labels``.

        Returns
        -------
        Tensor, shape ()
            Zero, on the device of the batch, where the constraint acts elsewhere.
        """
        source = next(critic.parameters(), None) if real is None and isinstance(critic, nn.Module) else real
        return torch.zeros(()) if source is None else torch.zeros((), device=source.device, dtype=source.dtype)

    def project_(self, critic: nn.Module) -> None:
        """Change the weights of a prepared critic in place, after each optimiser step."""

    def beside(self, critic: nn.Module) -> contextlib.AbstractContextManager[None]:
        """Return a context in which samples are drawn, while a GPU does for the critic what needs no samples."""
        return contextlib.nullcontext()

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in vars(self).items() if not key.startswith("_"))
        return f"{type(self).__name__}({options})"


class NoConstraint(Constraint):
    """No constraint at all: the baseline that the others are compared with.

    The critic of a Wasserstein GAN without a constraint grows without end, as chapter 3 proves
    (``prop-no-limit-infinite``).
    """

    name = "none"


def full_precision(x: Tensor) -> Tensor:
    """Return x in float32 if it is in half precision, else x itself.

    Parameters
    ----------
    x : Tensor, any shape
    """
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
