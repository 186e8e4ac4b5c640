"""How good generated images are, in the features of the course's own classifier.

The distances are no FID and no KID, which are defined by Inception's features, and must not be compared with published
numbers. Derived in chapter 10.
"""

import torch
from torch import Tensor

from wgan_course import transport
from wgan_course._checks import check_count
from wgan_course.measures import classifier
from wgan_course.measures._checks import two_batches

__all__ = ["frechet_distance", "image_report", "kernel_distance", "precision_recall"]


def _factor(x: Tensor) -> Tensor:
    """Triangular R with R^T R the covariance: no square root of a singular matrix is taken."""
    return torch.linalg.qr((x - x.mean(0)) / (len(x) - 1) ** 0.5, mode="r").R


def frechet_distance(real: Tensor, fake: Tensor) -> float:
    """Compute the Fréchet distance of two sets of features, each replaced by the Gaussian with its moments.

    ||m_P - m_Q||^2 + tr(S_P + S_Q - 2 (S_P^(1/2) S_Q S_P^(1/2))^(1/2)), the squared W2 of the Gaussians; 0 or more. The
    trace of the last root is the sum of the singular values of R_P R_Q^T, for any R_P^T R_P = S_P, R_Q^T R_Q = S_Q.

    Biased upwards in small samples: compare at equal n only. It sees two moments and nothing else, and far from the
    data it is not monotone in the damage. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule*, 2017.

    Parameters
    ----------
    real, fake : Tensor, shapes (n, d) and (m, d)
        Features, of `wgan_course.measures.classifier.features` for instance; at least 2 each.
    """
    real, fake = two_batches(real, fake, 2)
    one, two = _factor(real), _factor(fake)
    cross = torch.linalg.svdvals(one @ two.T).sum()
    value = (real.mean(0) - fake.mean(0)).square().sum() + one.square().sum() + two.square().sum() - 2 * cross
    return max(value.item(), 0.0)


def _off_diagonal_mean(kernel: Tensor) -> Tensor:
    n = len(kernel)
    return (kernel.sum() - kernel.trace()) / (n * (n - 1))


def kernel_distance(real: Tensor, fake: Tensor, degree: int = 3) -> float:
    """Estimate the squared maximum mean discrepancy of two sets of features, without bias.

    The kernel is (x . y / d + 1)^degree: mean of k(x, x') over pairs of different real points, plus the same for fake
    ones, minus twice the mean of k(x, y). Its mean is 0 for equal distributions, so single values may be negative.
    Memory grows like n^2. Binkowski et al., *Demystifying MMD GANs*, 2018.

    Parameters
    ----------
    real, fake : Tensor, shapes (n, d) and (m, d)
        At least 2 each.
    """
    check_count("degree", degree)
    real, fake = two_batches(real, fake, 2)
    same, other, cross = ((a @ b.T / a.shape[1] + 1) ** degree for a, b in ((real, real), (fake, fake), (real, fake)))
    return (_off_diagonal_mean(same) + _off_diagonal_mean(other) - 2 * cross.mean()).item()


def _radii(x: Tensor, k: int) -> Tensor:
    """Return each point's distance to its k-th nearest other point."""
    return transport.cost_matrix(x, x).kthvalue(k + 1, dim=1).values


def _inside(points: Tensor, centres: Tensor, radii: Tensor) -> float:
    return (transport.cost_matrix(points, centres) <= radii).any(1).double().mean().item()


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Estimate how much of the fake sample is plausible, and how much of the real one is reached.

    Precision is the share of fake points in a real point's ball, recall the share of real points in a fake one's; the
    ball around each point reaches to its k-th neighbour of the same sample. Kynkäänniemi et al., *Improved Precision
    and Recall Metric for Assessing Generative Models*, 2019.

    Parameters
    ----------
    real, fake : Tensor, shapes (n, d) and (m, d)
        More than k each.
    """
    check_count("k", k)
    real, fake = two_batches(real, fake, k + 1)
    return _inside(fake, real, _radii(real, k)), _inside(real, fake, _radii(fake, k))


def image_report(
    real: Tensor,
    fake: Tensor,
    rng: torch.Generator,
    *,
    model: classifier.Classifier | None = None,
    k: int = 3,
    limit: int = 2000,
) -> dict[str, float]:
    """Compare generated images with real ones, by every measure of this module that applies.

    ``frechet``, ``kernel``, ``precision``, ``recall`` in the classifier's features, ``sliced`` in pixels.

    Parameters
    ----------
    real, fake : Tensor, shapes (n, 1, s, s) and (m, 1, s, s)
        Grey levels in [-1, 1].
    rng : torch.Generator
        For the directions of the sliced distance.
    model : Classifier, optional
        The shipped one when absent.
    limit : int
        The first so many images of each are used for what costs n^2: the kernel distance, precision and recall.
    """
    check_count("limit", limit)
    seen, made = (classifier.features(images, model) for images in (real, fake))
    precision, recall = precision_recall(seen[:limit], made[:limit], k=k)
    pixels, others = (images.detach().flatten(1).cpu().double() for images in (real, fake))
    lines = transport.random_directions(200, pixels.shape[1], rng).to(pixels)
    return {
        "frechet": frechet_distance(seen, made),
        "kernel": kernel_distance(seen[:limit], made[:limit]),
        "precision": precision,
        "recall": recall,
        "sliced": float(transport.sliced_wasserstein(pixels, others, lines)),
    }
