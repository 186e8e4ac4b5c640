"""How good generated samples are, by several measures that fail in different ways: report them together.

On toy data: the distance to the truth, exact or sliced, and mode coverage. On images: the Fréchet and the kernel
distance and precision and recall, in the features of the course's own classifier (`wgan_course.classifier`). They are
no FID and no KID, which are defined by Inception's features, and must not be compared with published numbers.
For critics: gradient norms along optimal rays and between random pairs.
"""

import math
from dataclasses import asdict, dataclass

import torch

__all__ = [
    "DistanceReport",
    "GradientReport",
    "ModeReport",
    "distance_to_truth",
    "frechet_distance",
    "gradient_norms",
    "gradient_report",
    "image_report",
    "kernel_distance",
    "mode_coverage",
    "optimal_pairs",
    "precision_recall",
    "segment_gradients",
]


def _batch(name, x, minimum=1):
    """Refuse what is not a batch of at least ``minimum`` finite vectors."""
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(x).__name__}")
    if x.ndim != 2 or len(x) < minimum:
        raise ValueError(f"{name} must have shape (n, d) with n of at least {minimum}, got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values; the generator may have diverged")
    return x.detach().double()


def _two_batches(real, fake, minimum=1, names=("real", "fake")):
    real, fake = _batch(names[0], real, minimum), _batch(names[1], fake, minimum)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"{names[1]} must have {real.shape[1]} columns like {names[0]}, got {fake.shape[1]}")
    return real, fake


@dataclass(frozen=True)
class DistanceReport:
    """A distance and how it was computed.

    Attributes
    ----------
    value : float
    method : str
        ``"exact"`` or ``"sliced"``. The two are different distances: sliced never exceeds exact.
    """

    value: float
    method: str


def distance_to_truth(real, fake, rng, limit=2000, directions=200):
    """Measure W1 between samples: exactly when they are small enough, else sliced.

    Parameters
    ----------
    real : Tensor, shape (n, d)
    fake : Tensor, shape (m, d)
    rng : torch.Generator
        For the directions of the sliced distance.
    limit : int
        The largest n and m for which the exact distance is computed; it costs about n^3.
    directions : int
        How many projections the sliced distance averages.

    Returns
    -------
    DistanceReport

    Raises
    ------
    TypeError, ValueError
        Not two batches of finite vectors of the same length.

    Notes
    -----
    Both are distances between the *samples*. Two samples of one and the same distribution have a positive distance,
    which falls with n like n^(-1/d) in d > 2 dimensions: compare with the distance of two real samples. Derived in
    chapter 2.
    """
    from wgan_course import transport

    real, fake = _two_batches(real, fake)
    if max(len(real), len(fake)) <= limit:
        return DistanceReport(float(transport.wasserstein(real, fake)), "exact")
    lines = transport.random_directions(directions, real.shape[1], rng).to(real)
    return DistanceReport(float(transport.sliced_wasserstein(real, fake, lines)), "sliced")


@dataclass(frozen=True)
class ModeReport:
    """How a sample spreads over the modes of a mixture.

    Attributes
    ----------
    covered : int
        Modes with at least ``minimum`` good points.
    total : int
    quality : float
        Share of the points that are good: within ``radius`` standard deviations of a mode.
    kl : float
        KL divergence, in nats, from the uniform distribution of the good points' distribution over the modes: 0 when
        even, log(total) when all sit on one mode, infinite when there is no good point.
    counts : tuple of int
        Good points at each mode.
    """

    covered: int
    total: int
    quality: float
    kl: float
    counts: tuple


def _kl_from_uniform(counts):
    shares = counts / counts.sum()
    return (torch.special.xlogy(shares, shares).sum() + math.log(len(counts))).item()


def mode_coverage(samples, modes, std, radius=3.0, minimum=1):
    """Count the modes of a mixture that a sample reaches, and the points that lie near one.

    Parameters
    ----------
    samples : Tensor, shape (n, d)
    modes : Tensor, shape (k, d)
    std : float
        The mixture's standard deviation around a mode, positive.
    radius : float
        What counts as near, in standard deviations, positive.
    minimum : int
        Good points that a mode needs to count as covered.

    Returns
    -------
    ModeReport

    Raises
    ------
    TypeError, ValueError
        Not two batches of finite vectors of the same length; ``std`` or ``radius`` not positive; ``minimum`` under 1.

    Notes
    -----
    Not even a perfect sample has quality 1: in the plane a share exp(-radius^2 / 2) lies outside, 1.1 % for 3.
    """
    samples, modes = _two_batches(samples, modes, names=("samples", "modes"))
    if not (std > 0 and radius > 0 and minimum >= 1):
        raise ValueError(f"std, radius must be positive, minimum 1 or more, got {std}, {radius}, {minimum}")
    distance, nearest = torch.cdist(samples, modes, compute_mode="donot_use_mm_for_euclid_dist").min(1)
    counts = torch.bincount(nearest[distance <= radius * std], minlength=len(modes))
    good = int(counts.sum())
    kl = _kl_from_uniform(counts.double()) if good else float("inf")
    return ModeReport(int((counts >= minimum).sum()), len(modes), good / len(samples), kl, tuple(counts.tolist()))


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
        Features, of `wgan_course.classifier.features` for instance.

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
    from wgan_course import classifier, transport

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


def _input_gradient(critic, x):
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_(True)
        scores = critic(x)
        if scores.numel() != len(x):
            raise ValueError(f"critic must give one score a point, shape ({len(x)},), got {tuple(scores.shape)}")
        return torch.autograd.grad(scores.sum(), x)[0]


def gradient_norms(critic, x):
    """Compute the Euclidean norm of a critic's gradient at points.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1), each score depending on its own point only.
    x : Tensor, shape (n, ...)

    Returns
    -------
    Tensor, shape (n,)
        Detached; the critic's own gradients are not touched.

    Raises
    ------
    ValueError
        The critic gives another number of scores than one a point.
    """
    return _input_gradient(critic, x).flatten(1).norm(dim=1)


def optimal_pairs(real, fake):
    """Couple two samples of equal size optimally.

    Parameters
    ----------
    real, fake : Tensor, shape (n, ...)

    Returns
    -------
    Tensor of int64, shape (n,)
        The fake point of each real one: ``fake[optimal_pairs(real, fake)]``.

    Raises
    ------
    ValueError
        Different shapes, NaN, or an empty batch.

    Notes
    -----
    Between n and n points of weight 1/n some optimal coupling is a permutation (Birkhoff). Derived in chapter 2.
    """
    from scipy.optimize import linear_sum_assignment

    if real.shape != fake.shape:
        raise ValueError(f"fake must have the shape of real, {tuple(real.shape)}, got {tuple(fake.shape)}")
    real, fake = _two_batches(real.flatten(1), fake.flatten(1))
    cost = torch.cdist(real, fake, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.from_numpy(linear_sum_assignment(cost.cpu().numpy())[1]).to(real.device)


@dataclass(frozen=True)
class GradientReport:
    """Gradient norms of a critic on points between pairs.

    Attributes
    ----------
    mean, std, minimum, maximum : float
        Of the norms.
    near_one : float
        Share of the norms within 0.1 of 1.
    alignment : float
        Mean cosine between the gradient and the direction from the fake point to the real one. An optimal critic has 1
        on optimal pairs.
    """

    mean: float
    std: float
    minimum: float
    maximum: float
    near_one: float
    alignment: float


def segment_gradients(critic, real, fake, epsilon):
    """Summarise a critic's gradients on the points epsilon real + (1 - epsilon) fake.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1).
    real, fake : Tensor, shape (n, ...)
        The pairs, row by row.
    epsilon : Tensor, shape (n,)
        Between 0 and 1.

    Returns
    -------
    GradientReport

    Raises
    ------
    ValueError
        Shapes that do not go together, or the critic gives another number of scores than one a point.
    """
    if real.shape != fake.shape or epsilon.shape != (len(real),):
        shapes = f"{tuple(real.shape)}, {tuple(fake.shape)}, {tuple(epsilon.shape)}"
        raise ValueError(f"real, fake and epsilon must have shapes (n, ...), (n, ...) and (n,), got {shapes}")
    weight = epsilon.reshape(-1, *[1] * (real.ndim - 1))
    gradient = _input_gradient(critic, weight * real + (1 - weight) * fake).flatten(1).double()
    norms = gradient.norm(dim=1)
    cosine = torch.nn.functional.cosine_similarity(gradient, (real - fake).flatten(1).double(), dim=1)
    extremes = norms.min().item(), norms.max().item()
    near = ((norms - 1).abs() <= 0.1).double().mean().item()
    return GradientReport(norms.mean().item(), norms.std(correction=0).item(), *extremes, near, cosine.mean().item())


def gradient_report(critic, real, fake, rng):
    """Compare a critic's gradients on optimal rays with those between random pairs.

    Parameters
    ----------
    critic : callable
        From shape (n, ...) to (n,) or (n, 1).
    real, fake : Tensor, shape (n, ...)
    rng : torch.Generator
        For the places on the segments and the random pairs.

    Returns
    -------
    dict of str to dict
        ``"optimal"`` and ``"random"``, each a `GradientReport` as a dict.

    Raises
    ------
    ValueError
        Different shapes, NaN, or an empty batch.

    Notes
    -----
    Theory asks for norm 1 on optimal rays only; a gradient penalty on random pairs asks for more. Derived in chapter 3.
    """
    n = len(real)
    pairs = {"optimal": optimal_pairs(real, fake), "random": torch.randperm(n, generator=rng).to(fake.device)}
    epsilon = torch.rand(n, generator=rng).to(real)
    return {name: asdict(segment_gradients(critic, real, fake[order], epsilon)) for name, order in pairs.items()}
