"""The options of a run as a command: what is refused, what is chosen by itself, what a resume may change."""

import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from wgan_course.training import checkpoint
from wgan_course.training.config import TrainingConfig, is_whole, require

__all__ = ["MODELS", "RunOptions"]

FILE = "options.json"
MODELS = ("auto", "mlp", "dcgan", "resnet")
RATES = {"adam": (2e-4, 2e-4), "rmsprop": (5e-4, 5e-4)}
# What is taken where nothing was said. Those for points were chosen by benchmarks/defaults.py: a few units in the plane
# want weaker penalties than images (chapter 6), and an average of the generator goes round less than the generator.
IMAGES = {"batch": 64, "latent": 32, "ema": 0.0}
POINTS = {"batch": 128, "latent": 2, "ema": 0.98, "width": 64}
RATES_OF_POINTS = {"optimiser": "adam", "lr_critic": 2e-3, "lr_generator": 1e-3}
OWN_RATES_OF_POINTS = {  # chosen on seeds from 10 on
    "sn_projected": {"lr_critic": 5e-4},
    "frobenius_clip": {"lr_critic": 1e-3},
    "weight_norm": {"lr_generator": 3e-3},
    "spectral_regularisation": {"lr_generator": 2e-3},
}
CONSTRAINTS_OF_POINTS = {
    "clip": {"clip": 0.2},
    "frobenius_clip": {"radius": 3.0},
    "gp": {"weight": 1.0},
    "lp": {"weight": 1.0},
    "r1": {"weight": 1.0},
    "dragan": {"weight": 1.0},
}


@dataclass(frozen=True)
class RunOptions:
    """What to train, on what, how, and where to put it.

    Attributes
    ----------
    data : str
        An image set of ``wgan_course.data.images.NAMES``, a folder of pictures or an npz file, or a toy distribution
        of ``wgan_course.data.toy.NAMES``.
    constraint : str
        One of ``wgan_course.constraints.NAMES``.
    constraint_options : dict
        Such as ``{"clip": 0.01}`` or ``{"weight": 10.0}``; chosen for toy distributions when absent.
    objective : str
        One of ``wgan_course.objectives.NAMES``.
    model : {"auto", "mlp", "dcgan", "resnet"}
        ``auto`` takes an MLP for points and a DCGAN for images.
    steps : int
        Generator steps, counted from the very start also after a resume.
    batch : int, optional
        Of all processes together, where ``torchrun`` starts several; 64, and 128 for toy distributions, when absent.
    n_critic : int
        Critic steps a generator step.
    optimiser : {"auto", "adam", "rmsprop"}
        ``auto`` takes RMSProp under clipping of images' critics, as the WGAN paper does, and Adam otherwise.
    lr_critic, lr_generator : float, optional
        Chosen by the optimiser and the kind of data when absent.
    latent, width, size : int, optional
        Length of z; channels of the first stage or hidden units; image side. When absent, the first two are chosen by
        the kind of data and the model, and the side is the images' own, or the next that the model makes.
    activation : str, optional
        Of the critic; GroupSort under ``orthonormal``, and the model's own otherwise, when absent.
    conditional : bool
        Give both networks the labels.
    ema : float, optional
        Decay of the generator's moving average, 0 for none; 0, and 0.98 for toy distributions, when absent.
    seed : int
    device : str
    precision : {"fp32", "bf16"}
    threads : int, optional
        CPU threads; PyTorch's own choice when absent. The same number gives the same bits.
    out : path
        The run's folder.
    resume : path, optional
        A run's folder, or a checkpoint, to go on from; its own options are used but for ``steps``, ``out``, ``device``
        and ``threads``.
    log_every, checkpoint_every, sample_every : int
    data_path : path, optional
        Where the images lie; found by itself when absent.
    data_source : str, optional
        ``"debian"``, ``"torchvision"`` or ``"embedded"``; found by itself when absent.
    graph : bool, optional
        As for `TrainingConfig`.
    """

    data: str = "fashion-mnist"
    constraint: str = "clip"
    constraint_options: dict = field(default_factory=dict)
    objective: str = "wasserstein"
    model: str = "auto"
    steps: int = 500
    batch: int | None = None
    n_critic: int = 5
    optimiser: str = "auto"
    lr_critic: float | None = None
    lr_generator: float | None = None
    latent: int | None = None
    width: int | None = None
    size: int | None = None
    activation: str | None = None
    conditional: bool = False
    ema: float | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "fp32"
    threads: int | None = None
    out: str | Path = "runs/latest"
    resume: str | Path | None = None
    log_every: int = 10
    checkpoint_every: int = 100
    sample_every: int = 100
    data_path: str | Path | None = None
    data_source: str | None = None
    graph: bool | None = None

    def check(self) -> None:
        """Refuse numbers out of range, before anything is loaded; what `TrainingConfig` takes it checks itself.

        Raises
        ------
        ValueError
            If one is; the message names it.
        """
        for name in ("steps", "sample_every"):
            require(is_whole(getattr(self, name)), name, getattr(self, name), "a whole number of 1 or more")
        for name in ("batch", "latent", "width", "threads", "size"):
            value = getattr(self, name)
            require(value is None or is_whole(value), name, value, "a whole number of 1 or more")
        require(self.model in MODELS, "model", self.model, f"one of {', '.join(MODELS)}")
        require(self.activation != "", "activation", self.activation, "the name of one")

    def settled(self) -> "RunOptions":
        """Return the same options with what depends on the kind of data filled in where it is absent."""
        from wgan_course.data import toy

        points = isinstance(self.data, str) and toy.is_known(self.data)
        chosen = dict(POINTS if points else IMAGES)
        if points and self.optimiser in ("auto", "adam"):
            chosen.update(RATES_OF_POINTS | OWN_RATES_OF_POINTS.get(self.constraint, {}))
        options = CONSTRAINTS_OF_POINTS.get(self.constraint, {}) if points else {}
        absent = {name: value for name, value in chosen.items() if getattr(self, name) in (None, "auto")}
        return replace(self, **absent, constraint_options={**options, **self.constraint_options})

    def config(self) -> TrainingConfig:
        """Return the settings of the trainer; rates that are absent are chosen by the optimiser."""
        optimiser = self.optimiser
        if optimiser == "auto":
            optimiser = "rmsprop" if self.constraint in ("clip", "frobenius_clip") else "adam"
        of_critic, of_generator = RATES.get(optimiser, (0.0, 0.0))
        own = {
            "optimiser": optimiser,
            "lr_critic": of_critic if self.lr_critic is None else self.lr_critic,
            "lr_generator": of_generator if self.lr_generator is None else self.lr_generator,
        }
        same = {
            f.name: getattr(self, f.name) for f in fields(TrainingConfig) if getattr(self, f.name, None) is not None
        }
        return TrainingConfig(**{**same, **own})

    def write(self) -> None:
        """Leave the options in the run's folder, for those who resume it."""
        plain = {k: os.fspath(v) if isinstance(v, Path) else v for k, v in asdict(self).items() if k != "resume"}
        checkpoint.atomic_write(Path(self.out) / FILE, (json.dumps(plain, indent=1) + "\n").encode())

    def resumed(self) -> tuple["RunOptions", Path | None]:
        """Return the options that the resumed run was started with, but for those that may change, and its checkpoint.

        Raises
        ------
        CheckpointError
            If the folder holds no run.
        """
        if self.resume is None:
            return self, None
        path = Path(self.resume)
        folder, file = (path.parent, path) if path.suffix == ".pt" else (path, path / "checkpoint.pt")
        try:
            saved = RunOptions(**json.loads((folder / FILE).read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise checkpoint.CheckpointError(f"{folder} has no readable {FILE}, so it is no run to resume") from error
        out = self.out if Path(self.out) != Path(RunOptions().out) else folder
        mine = {name: getattr(self, name) for name in ("steps", "device", "threads", "graph")}
        return replace(saved, out=out, **mine), file
