"""What critic and generator minimise: one small class an objective, one interface.

Scores are logits everywhere: a critic never ends in a sigmoid. Every loss is minimised.
"""

from torch import Tensor
from torch.nn.functional import relu, softplus

from ._checks import HALF, key_of


class Objective:
    """A pair of losses on the scores of real samples, shape (n,), and of generated ones, shape (m,).

    The scores come in any shape with one entry a score; half precision is averaged in float32. NaN scores give a NaN
    loss, which the training loop reports with the step.

    Attributes
    ----------
    relative : bool
        Whether the generator's loss compares generated samples with real ones, whose scores it then needs.
    """

    name = "objective"
    relative = False

    def critic_loss(self, real_scores: Tensor, fake_scores: Tensor) -> Tensor:
        """Return what the critic minimises."""
        real, fake = check_scores("real_scores", real_scores), check_scores("fake_scores", fake_scores)
        return self._critic(real, fake)

    def generator_loss(self, fake_scores: Tensor, real_scores: Tensor | None = None) -> Tensor:
        """Return what the generator minimises; scores of real samples are used by a relative objective alone."""
        return self._generator(check_scores("fake_scores", fake_scores))

    def _critic(self, real: Tensor, fake: Tensor) -> Tensor:
        raise TypeError("Objective is the interface; take one of objectives.NAMES with objectives.make(name)")

    def _generator(self, fake: Tensor) -> Tensor:
        raise TypeError("Objective is the interface; take one of objectives.NAMES with objectives.make(name)")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Minimax(Objective):
    """The game of the first GAN: critic −E_P log D − E_Q log(1−D), generator E_Q log(1−D), with D = sigmoid(score).

    Its generator gradient vanishes as the discriminator gets better: ``thm-vanishing-generator-gradient``, chapter
    1. Goodfellow et al., "Generative Adversarial Nets", 2014.
    """

    name = "minimax"

    def _critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def _generator(self, fake: Tensor) -> Tensor:
        return -softplus(fake).mean()


class NonSaturating(Minimax):
    """The critic of the minimax game, and a generator that minimises −E_Q log D.

    What −log D minimises instead is derived in chapter 1 (``prop-minus-log-d``). Goodfellow et al., "Generative
    Adversarial Nets", 2014, section 3.
    """

    name = "non-saturating"

    def _generator(self, fake: Tensor) -> Tensor:
        return softplus(-fake).mean()


class LeastSquares(Objective):
    """Least squares with targets 1 for real and 0 for generated: ½E_P(f−1)² + ½E_Q f², generator ½E_Q(f−1)².

    Its field on the Dirac-GAN is drawn in chapter 9. Mao et al., "Least Squares Generative Adversarial Networks", 2017.
    """

    name = "least-squares"

    def _critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * ((real - 1).square().mean() + fake.square().mean())

    def _generator(self, fake: Tensor) -> Tensor:
        return 0.5 * (fake - 1).square().mean()


class Hinge(Objective):
    """The hinge loss: E_P max(0, 1−f) + E_Q max(0, 1+f), generator −E_Q f. It is no Wasserstein loss.

    Used with spectral normalisation in chapter 8. Miyato et al., "Spectral Normalization for Generative Adversarial
    Networks", 2018, equations 16 and 17.
    """

    name = "hinge"

    def _critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def _generator(self, fake: Tensor) -> Tensor:
        return -fake.mean()


class Wasserstein(Objective):
    """The Kantorovich–Rubinstein dual: critic E_Q f − E_P f, generator −E_Q f.

    With a 1-Lipschitz critic, minus the critic's loss is a lower bound of W1: ``thm-kantorovich-rubinstein``,
    chapter 3. Arjovsky, Chintala, Bottou, "Wasserstein Generative Adversarial Networks", 2017.
    """

    name = "wasserstein"

    def _critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def _generator(self, fake: Tensor) -> Tensor:
        return -fake.mean()


class Relativistic(Objective):
    """A real sample against a generated one: critic E log(1 + exp(f(x̃) − f(x))), generator E log(1 + exp(f(x) − f(x̃))).

    Both see differences of scores alone, in pairs, as the Wasserstein loss does; the logistic function bounds what one
    pair can push. Compared in chapter 10. Jolicoeur-Martineau, "The relativistic discriminator", 2019.
    """

    name = "relativistic"
    relative = True

    def generator_loss(self, fake_scores: Tensor, real_scores: Tensor | None = None) -> Tensor:
        """Return what the generator minimises.

        Raises
        ------
        ValueError
            If there are no scores of real samples, or not as many as of generated ones.
        """
        if real_scores is None:
            raise ValueError("real_scores: the relativistic generator's loss compares with the scores of real samples")
        return self._critic(check_scores("fake_scores", fake_scores), check_scores("real_scores", real_scores))

    def _critic(self, real: Tensor, fake: Tensor) -> Tensor:
        if real.numel() != fake.numel():
            raise ValueError(f"scores come in pairs: got {real.numel()} and {fake.numel()} of them")
        return softplus(fake.flatten() - real.flatten()).mean()


_CLASSES = {cls.name: cls for cls in (Minimax, NonSaturating, LeastSquares, Hinge, Wasserstein, Relativistic)}
NAMES = tuple(_CLASSES)


def make(name: str) -> Objective:
    """Return an objective by its name, one of `NAMES`.

    Raises
    ------
    ValueError
        If there is no such objective.
    """
    if key_of(name) not in _CLASSES:
        raise ValueError(f"no objective is called {name!r}; there are {', '.join(NAMES)}")
    return _CLASSES[key_of(name)]()


def check_scores(name: str, scores: Tensor) -> Tensor:
    """Refuse scores that no loss can be made of, and raise half precision to float32.

    Parameters
    ----------
    scores : Tensor, shape (n,)
        One score a sample, in any shape.

    Raises
    ------
    TypeError
        If they are no floating-point tensor.
    ValueError
        If there are none.
    """
    if not isinstance(scores, Tensor) or not scores.is_floating_point():
        got = scores.dtype if isinstance(scores, Tensor) else type(scores).__name__
        raise TypeError(f"{name} must be a floating-point tensor, got {got}: pass the critic's output as it is")
    if scores.numel() == 0:
        raise ValueError(f"{name} is empty, of shape {tuple(scores.shape)}: a mean over no samples is undefined")
    return scores.float() if scores.dtype in HALF else scores
