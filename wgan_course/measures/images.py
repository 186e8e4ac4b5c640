"""How good generated images are, in the features of the course's own classifier.

The distances are no FID and no KID, which are defined by Inception's features, and must not be compared with published
numbers.
"""

import torch

from wgan_course.measures._checks import _two_batches

__all__ = ["frechet_distance", "image_report", "kernel_distance", "precision_recall"]


def _moments(x):
    mean = x.mean(0)
    centred = x - mean
    return mean, centred.T @ centred / (len(x) - 1)


def _symmetric_root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0.0).sqrt()) @ vectors.T


def frechet_distance(real, fake):
    """Compute the Fréchet distance of two sets of features, each replaced by the Gaussian with its moments.

    Parameters
    ----------
    real : Tensor, shape (n, d)
    fake : Tensor, shape (m, d)
        Features, of `wgan_course.measures.classifier.features` for instance.

    Returns
    -------
    float
        ||m_P - m_Q||^2 + tr(S_P + S_Q - 2 (S_P^(1/2) S_Q S_P^(1/2))^(1/2)), the squared W2 of the Gaussians; 0 or more.

    Raises
    ------
    TypeError, ValueError
        Not two batches of at least 2 finite vectors of the same length.

    Notes
    -----
    Biased upwards in small samples: compare at equal n only. It sees two moments and nothing else, and far from the
    data it is not monotone in the damage.

    References
    ----------
    Heusel et al., *GANs Trained by a Two Time-Scale Update Rule*, 2017. Derived in chapter 10.
    """
    (mean, covariance), (other_mean, other) = (_moments(x) for x in _two_batches(real, fake, 2))
    root = _symmetric_root(covariance)
    cross = torch.linalg.eigvalsh(root @ other @ root).clamp_min(0.0).sqrt().sum()
    value = (mean - other_mean).square().sum() + covariance.trace() + other.trace() - 2 * cross
    return max(value.item(), 0.0)


def _off_diagonal_mean(kernel):
    n = len(kernel)
    return (kernel.sum() - kernel.trace()) / (n * (n - 1))


def kernel_distance(real, fake, degree=3):
    """Estimate the squared maximum mean discrepancy of two sets of features, without bias.

    Parameters
    ----------
    real : Tensor, shape (n, d)
    fake : Tensor, shape (m, d)
    degree : int
        Of the polynomial kernel (x . y / d + 1)^degree.

    Returns
    -------
    float
        Its mean is 0 for equal distributions, so single values may be negative.

    Raises
    ------
    TypeError, ValueError
        Not two batches of at least 2 finite vectors of the same length.

    Notes
    -----
    Mean of k(x, x') over pairs of different real points, plus the same for fake ones, minus twice the mean of k(x, y).

    References
    ----------
    Binkowski et al., *Demystifying MMD GANs*, 2018. Derived in chapter 10.
    """
    real, fake = _two_batches(real, fake, 2)
    same, other, cross = ((a @ b.T / a.shape[1] + 1) ** degree for a, b in ((real, real), (fake, fake), (real, fake)))
    return (_off_diagonal_mean(same) + _off_diagonal_mean(other) - 2 * cross.mean()).item()


def _radii(x, k):
    """Return each point's distance to its k-th nearest other point."""
    return torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").kthvalue(k + 1, dim=1).values


def _inside(points, centres, radii):
    distance = torch.cdist(points, centres, compute_mode="donot_use_mm_for_euclid_dist")
    return (distance <= radii).any(1).double().mean().item()


def precision_recall(real, fake, k=3):
    """Estimate how much of the fake sample is plausible, and how much of the real one is reached.

    Parameters
    ----------
    real : Tensor, shape (n, d)
    fake : Tensor, shape (m, d)
    k : int
        The ball around each point reaches to its k-th neighbour of the same sample; under n and m.

    Returns
    -------
    (float, float)
        Precision: the share of fake points in a real point's ball. Recall: the share of real points in a fake one's.

    Raises
    ------
    TypeError, ValueError
        Not two batches of more than ``k`` finite vectors of the same length; ``k`` under 1.

    References
    ----------
    Kynkäänniemi et al., *Improved Precision and Recall Metric for Assessing Generative Models*, 2019.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, got {k}")
    real, fake = _two_batches(real, fake, k + 1)
    return _inside(fake, real, _radii(real, k)), _inside(real, fake, _radii(fake, k))


def image_report(real, fake, rng, *, model=None, k=3, limit=2000):
    """Compare generated images with real ones, by every measure of this module that applies.

    Parameters
    ----------
    real : Tensor, shape (n, 1, s, s)
        Grey levels in [-1, 1].
    fake : Tensor, shape (m, 1, s, s)
    rng : torch.Generator
        For the directions of the sliced distance.
    model : Classifier, optional
        The shipped one when absent.
    k : int
        See `precision_recall`.
    limit : int
        The first so many images of each are used for precision and recall, whose cost is quadratic.

    Returns
    -------
    dict of str to float
        ``frechet``, ``kernel``, ``precision``, ``recall`` in the classifier's features, ``sliced`` in pixels.

    Raises
    ------
    TypeError, ValueError
        Batches too small, of other shapes, or with NaN.
    """
    from wgan_course import transport
    from wgan_course.measures import classifier

    features = [classifier.features(images, model) for images in (real, fake)]
    precision, recall = precision_recall(*(x[:limit] for x in features), k=k)
    flat = [images.flatten(1).cpu().double() for images in (real, fake)]
    lines = transport.random_directions(200, flat[0].shape[1], rng).to(flat[0])
    return {
        "frechet": frechet_distance(*features),
        "kernel": kernel_distance(*features),
        "precision": precision,
        "recall": recall,
        "sliced": float(transport.sliced_wasserstein(*flat, lines)),
    }
