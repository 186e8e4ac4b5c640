"""How far a classifier's inputs can be moved: an attack shows a ball that is too large, a certificate one that is not.

The truth for each input lies between the two. Chapter 4 derives the certificate and measures both; chapters 6 and 8
measure them again for networks that were trained with penalties.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from wgan_course._checks import check_count, check_positive
from wgan_course.data.images import ImageData

__all__ = ["attack", "certified_radii", "fit", "flat_images", "margins"]

_STRIDE = 2.5  # the steps of an attack add up to so many radii, so that it can cross the ball and turn

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]


def flat_images(data: ImageData) -> tuple[Tensor, Tensor]:
    """Images as rows of grey levels in [0, 1], shape (n, s * s), and their labels, shape (n,).

    The levels are (image + 1) / 2, so that distances are half of those between the images themselves.
    """
    return (data.images.flatten(1) + 1) / 2, data.labels


def fit(
    network: nn.Module,
    x: Tensor,
    labels: Tensor,
    loss: Loss,
    rng: torch.Generator,
    epochs: int,
    batch: int = 64,
    rate: float = 1e-3,
) -> nn.Module:
    """Train a classifier by Adam, in an order that is drawn anew for each epoch; end in evaluation mode.

    Parameters
    ----------
    network : Module
        Maps (n, \\*) to logits of shape (n, classes); changed in place.
    x : Tensor, shape (n, \\*)
    labels : Tensor of int64, shape (n,)
    loss : callable
        From the network, some of the inputs and their labels to what is minimised, a scalar.
    rng : torch.Generator
        Source of the order. `loss` may draw from it too.
    """
    check_count("epochs", epochs)
    check_count("batch", batch)
    check_positive("rate", rate)
    _check_batch(x, labels)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x), generator=rng).split(batch):
            optimiser.zero_grad()
            loss(network, x[chosen], labels[chosen]).backward()
            optimiser.step()
    return network.eval()


def attack(network: Callable[[Tensor], Tensor], x: Tensor, labels: Tensor, radius: float, steps: int = 20) -> Tensor:
    r"""Climb the cross-entropy inside a ball around each input: projected gradient ascent.

    .. math:: \delta\leftarrow\Pi_{\|\cdot\|\le r}\Bigl(\delta+\frac{2.5\,r}{k}\,\frac{g}{\|g\|}\Bigr),
              \qquad g=\nabla_\delta\,\bigl(-\log\operatorname{softmax}_y f(x+\delta)\bigr)

    It begins at the input and takes k steps. An input that is still named rightly afterwards may fall to another
    attack; one that is not is a proof that the ball was too large. For a linear network with two classes it finds the
    worst point of the ball. Where the answer is so sure that the gradient is 0 in floating point, it stays.

    Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", 2018, section 2.1, there for balls of
    the maximum norm. Used in chapters 4, 6 and 8.

    Parameters
    ----------
    network : Module or callable
        Maps (n, \*) to logits of shape (n, classes), each input by itself: a module in evaluation mode.
    x : Tensor, shape (n, \*)
        What is returned need not keep to their range.
    labels : Tensor of int64, shape (n,)
    radius : float
        Of the ball, in the Euclidean norm; 0 returns the inputs.
    steps : int
        How many, k.
    """
    check_positive("radius", radius, zero=True)
    check_count("steps", steps)
    _check_batch(x, labels)
    x, delta = x.detach(), torch.zeros_like(x)
    for _ in range(steps if radius else 0):
        step = _stretched(_slope(network, x + delta, labels), _STRIDE * radius / steps)
        delta = _pulled_back(delta + step, radius)
    return x + delta


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Logit of the right class minus the largest of the others.

    .. math:: m=f_y-\max_{j\ne y}f_j

    Shape (n,): positive where the answer is right, negative where it is wrong, 0 for a tie. Defined in chapter 4.

    Parameters
    ----------
    logits : Tensor, shape (n, classes)
        At least two classes.
    labels : Tensor of int64, shape (n,)
    """
    _check_batch(logits, labels)
    _check_classes(logits, labels)
    right = logits.gather(1, labels[:, None])[:, 0]
    return right - logits.scatter(1, labels[:, None], -math.inf).amax(1)


def certified_radii(logits: Tensor, labels: Tensor, lipschitz: float) -> Tensor:
    r"""Radius of the ball around each input in which no decision can change, whatever the attack.

    .. math:: r=\frac{\max(m,0)}{\sqrt2\,K}

    Shape (n,), 0 where the answer is wrong or tied. Tsuzuku, Sato, Sugiyama, "Lipschitz-Margin Training", 2018; derived
    in chapter 4 (``prop-sensitivity``).

    Parameters
    ----------
    logits : Tensor, shape (n, classes)
    labels : Tensor of int64, shape (n,)
    lipschitz : float
        K, an upper bound of the Lipschitz constant of the network, from inputs to logits, in Euclidean norms.
    """
    check_positive("lipschitz", lipschitz)
    return margins(logits, labels).clamp_min(0) / (math.sqrt(2) * lipschitz)


def _slope(network: Callable[[Tensor], Tensor], x: Tensor, labels: Tensor) -> Tensor:
    """Gradient of each input's cross-entropy."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        logits = network(x)
        _check_classes(logits, labels)
        if not logits.requires_grad:
            raise ValueError(
                "network must be differentiable in its inputs: are its logits detached, or of other types?"
            )
        (slope,) = torch.autograd.grad(functional.cross_entropy(logits, labels, reduction="sum"), x)
    return slope


def _stretched(x: Tensor, length: float) -> Tensor:
    """Each row of a batch at one length, however short it is; rows of zeros stay."""
    rows = x.flatten(1)
    largest = rows.abs().amax(1, keepdim=True)
    rows = rows / torch.where(largest > 0, largest, 1.0)
    return (length * functional.normalize(rows, dim=1)).reshape(x.shape)


def _pulled_back(x: Tensor, radius: float) -> Tensor:
    """Each row of a batch in a ball around 0: those outside come to its surface."""
    lengths = x.flatten(1).norm(dim=1).reshape(-1, *[1] * (x.ndim - 1))
    return x * torch.where(lengths > radius, radius / lengths, 1.0)


def _check_batch(x: Tensor, labels: Tensor) -> None:
    for name, values in (("a batch", x), ("labels", labels)):
        if not isinstance(values, Tensor):
            raise TypeError(f"{name} must be a torch.Tensor, got {type(values).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"a batch must be of floating-point numbers, got {x.dtype}: convert it with .float()")
    if x.ndim < 2 or len(x) == 0 or not bool(torch.isfinite(x).all()):
        raise ValueError(f"a batch must be at least one row of finite numbers, got shape {tuple(x.shape)} or NaN in it")
    if labels.dtype != torch.int64:
        raise TypeError(f"labels must be of type int64, got {labels.dtype}: convert them with .long()")
    if labels.shape != x.shape[:1]:
        raise ValueError(f"labels must be one a row, shape ({len(x)},), got {tuple(labels.shape)}")


def _check_classes(logits: Tensor, labels: Tensor) -> None:
    if logits.ndim != 2 or len(logits) != len(labels) or logits.shape[1] < 2:
        raise ValueError(f"logits must have shape ({len(labels)}, classes), at least two, got {tuple(logits.shape)}")
    if int(labels.min()) < 0 or int(labels.max()) >= logits.shape[1]:
        raise ValueError(
            f"labels must lie from 0 to {logits.shape[1] - 1}, got {int(labels.min())} to {int(labels.max())}"
        )
