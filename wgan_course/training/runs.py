"""A whole training run from a handful of options: what ``wgan-course train`` calls.

A run's folder holds ``options.json``, ``log.jsonl`` (one record an interval; the same bytes for the same options on the
same machine), ``timing.jsonl``, ``checkpoint.pt``, and ``samples.png`` with its older states in ``samples/``.
"""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from wgan_course.training import (
    Batches,
    SampledBatches,
    TensorBatches,
    Trainer,
    TrainingConfig,
    checkpoint,
    devices,
    runlog,
)

__all__ = ["IMAGES", "MODELS", "RunOptions", "RunResult", "build", "train_from_options"]

IMAGES = ("fashion-mnist",)
MODELS = ("auto", "mlp", "dcgan", "resnet")
DEFAULT_WIDTH = {"mlp": 128, "dcgan": 16, "resnet": 16}
RATES = {"adam": (2e-4, 2e-4), "rmsprop": (5e-4, 5e-4)}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """What to train, on what, how, and where to put it.

    Attributes
    ----------
    data : str
        ``"fashion-mnist"``, or a toy distribution of ``wgan_course.data.toy.NAMES``.
    constraint : str
        One of ``wgan_course.constraints.NAMES``.
    constraint_options : dict
        Such as ``{"clip": 0.01}`` or ``{"weight": 10.0}``.
    objective : str
        One of ``wgan_course.objectives.NAMES``.
    model : {"auto", "mlp", "dcgan", "resnet"}
        ``auto`` takes an MLP for points and a DCGAN for images.
    steps : int
        Generator steps, counted from the very start also after a resume.
    batch : int
    n_critic : int
        Critic steps a generator step.
    optimiser : {"auto", "adam", "rmsprop"}
        ``auto`` takes RMSProp under clipping, as the WGAN paper does, and Adam otherwise.
    lr_critic, lr_generator : float, optional
        Chosen by the optimiser when absent.
    latent, width, size : int
        Length of z; channels of the first stage or hidden units (chosen by the model when absent); image side.
    activation : str, optional
        Of the critic; GroupSort under ``orthonormal``, and the model's own otherwise, when absent.
    conditional : bool
        Give both networks the labels.
    ema : float
        Decay of the generator's moving average, 0 for none.
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
    """

    data: str = "fashion-mnist"
    constraint: str = "clip"
    constraint_options: dict = field(default_factory=dict)
    objective: str = "wasserstein"
    model: str = "auto"
    steps: int = 500
    batch: int = 64
    n_critic: int = 5
    optimiser: str = "auto"
    lr_critic: float | None = None
    lr_generator: float | None = None
    latent: int = 32
    width: int | None = None
    size: int = 28
    activation: str | None = None
    conditional: bool = False
    ema: float = 0.0
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


@dataclass(frozen=True)
class RunResult:
    """What a run leaves.

    Attributes
    ----------
    folder, log, checkpoint, samples : Path
        The run's folder and the files in it.
    record : dict
        The last record of the log.
    device : str
        In words.
    data : str
        Where the data came from, in words.
    trainer : Trainer
        For those who go on in Python.
    """

    folder: Path
    log: Path
    checkpoint: Path
    samples: Path
    record: dict
    device: str
    data: str
    trainer: Trainer


@dataclass(frozen=True)
class _Data:
    """Real samples in the three forms that a run needs."""

    shape: tuple[int, ...]
    origin: str
    batches: Callable[[int, torch.Generator], Batches]
    show: Callable[[Tensor], Tensor]
    classes: int | None = None
    shown: int = 64


def _image_data(options: RunOptions) -> _Data:
    from wgan_course.data import images

    found = images.load(options.data, "train", size=options.size, path=options.data_path, source=options.data_source)
    labels = found.labels if options.conditional else None
    return _Data(
        tuple(found.images.shape[1:]),
        f"{len(found.images)} images, {found.source} {found.origin}".strip(),
        lambda batch, rng: TensorBatches(found.images, batch, rng, labels),
        lambda samples: samples,
        len(found.classes) if options.conditional else None,
        80 if options.conditional else 64,
    )


def _toy_data(options: RunOptions) -> _Data:
    from wgan_course.data import toy

    distribution = toy.make(options.data)
    real = distribution.sample(512, devices.make_generator("cpu", 0, 9))
    return _Data(
        (distribution.dim,),
        f"toy distribution {options.data}",
        lambda batch, rng: SampledBatches(distribution.sample, batch, rng),
        lambda samples: runlog.point_picture(real, samples),
        shown=512,
    )


def _data(options: RunOptions) -> _Data:
    """Find the data; refuse what nobody knows and labels that nobody has."""
    from wgan_course.data import toy

    if options.data in IMAGES:
        return _image_data(options)
    if options.data not in toy.NAMES:
        raise ValueError(f"data must be one of {', '.join((*IMAGES, *toy.NAMES))}, got {options.data!r}")
    if options.conditional:
        raise ValueError("conditional: toy distributions have no labels; use data='fashion-mnist'")
    return _toy_data(options)


def _networks(options: RunOptions, data: _Data) -> tuple[nn.Module, nn.Module]:
    """Generator and critic of the model that was asked for."""
    model = options.model
    if model == "auto":
        model = "mlp" if len(data.shape) == 1 else "dcgan"
    if model != "mlp" and len(data.shape) == 1:
        raise ValueError(f"model {model!r} makes images; for {options.data} use model='mlp'")
    common = {"rng": devices.make_generator("cpu", options.seed, 3), "classes": data.classes}
    act = options.activation or ("groupsort" if options.constraint == "orthonormal" else None)
    critic = {**common, "act": act} if act else common
    return (_mlps if model == "mlp" else _convolutional)(model, options, data.shape, common, critic)


def _mlps(_model, options: RunOptions, shape, common: dict, critic: dict) -> tuple[nn.Module, nn.Module]:
    from wgan_course.models import mlp

    out, hidden = shape[0] if len(shape) == 1 else shape, (options.width or DEFAULT_WIDTH["mlp"],) * 3
    generator = mlp.Generator(options.latent, out, hidden, **common)
    return generator, mlp.Critic(int(torch.Size(shape).numel()), hidden, **critic)


def _convolutional(model: str, options: RunOptions, shape, common: dict, critic: dict):
    from wgan_course.models import dcgan, resnet

    family = {"dcgan": dcgan, "resnet": resnet}[model]
    channels, size, width = shape[0], shape[-1], options.width or DEFAULT_WIDTH[model]
    generator = family.Generator(options.latent, size, channels, width, **common)
    return generator, family.Critic(size, channels, width, **critic)


def _config(options: RunOptions) -> TrainingConfig:
    optimiser = options.optimiser
    if optimiser == "auto":
        optimiser = "rmsprop" if options.constraint in ("clip", "frobenius_clip") else "adam"
    rates = RATES.get(optimiser, (None, None))
    same = {f.name: getattr(options, f.name) for f in fields(TrainingConfig) if hasattr(options, f.name)}
    own = {
        "optimiser": optimiser,
        "lr_critic": options.lr_critic or rates[0],
        "lr_generator": options.lr_generator or rates[1],
    }
    return TrainingConfig(**{**same, **own})


def _check(options: RunOptions) -> None:
    """Refuse numbers out of range, before anything is loaded."""
    for name in ("steps", "batch", "latent", "size", "sample_every"):
        value = getattr(options, name)
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of 1 or more, got {value!r}")
    if options.model not in MODELS:
        raise ValueError(f"model must be one of {', '.join(MODELS)}, got {options.model!r}")
    if options.threads is not None and options.threads < 1:
        raise ValueError(f"threads must be 1 or more, got {options.threads!r}")


def build(options: RunOptions) -> tuple[Trainer, _Data]:
    """Make the trainer of a run, without training.

    Parameters
    ----------
    options : RunOptions

    Returns
    -------
    trainer : Trainer
    data
        The data, with ``origin`` (where they came from, in words) and ``show`` (samples to images).

    Raises
    ------
    ValueError
        If an option is unknown or out of range; the message names it and what is possible.
    """
    from wgan_course import constraints, objectives

    _check(options)
    config, constraint = _config(options), constraints.make(options.constraint, **options.constraint_options)
    objective, data = objectives.make(options.objective), _data(options)
    batches = data.batches(options.batch, devices.make_generator("cpu", options.seed, 4))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        generator, critic = _networks(options, data)
        folder = Path(options.out)
        trainer = Trainer(generator, critic, batches, constraint, objective=objective, config=config, folder=folder)
    return trainer, data


def _options_file(folder: Path) -> Path:
    return folder / "options.json"


def _resumed(options: RunOptions) -> tuple[RunOptions, Path]:
    """The options that a run was started with, but for those that may change, and its checkpoint."""
    path = Path(options.resume)
    folder, file = (path.parent, path) if path.suffix == ".pt" else (path, path / "checkpoint.pt")
    try:
        saved = json.loads(_options_file(folder).read_text())
    except (OSError, ValueError) as error:
        raise checkpoint.CheckpointError(f"{folder} has no readable options.json, so it is no run to resume") from error
    out = options.out if Path(options.out) != Path(RunOptions().out) else folder
    return replace(
        RunOptions(**saved), steps=options.steps, out=out, device=options.device, threads=options.threads
    ), file


def _write_options(options: RunOptions) -> None:
    plain = {k: os.fspath(v) if isinstance(v, Path) else v for k, v in asdict(options).items() if k != "resume"}
    checkpoint.atomic_write(_options_file(Path(options.out)), (json.dumps(plain, indent=1) + "\n").encode())


def _save_samples(trainer: Trainer, data: _Data) -> Path:
    """Write the picture of this step, and the same as the latest."""
    columns = 10 if trainer.conditional else 8
    picture = data.show(trainer.sample(data.shown, seed=1).float().cpu())
    runlog.save_picture(trainer.folder / "samples" / f"step-{trainer.step:06d}.png", picture, columns)
    return runlog.save_picture(trainer.folder / "samples.png", picture, columns)


def train_from_options(options: RunOptions, progress: bool = True) -> RunResult:
    """Train, or go on training, and leave a log, a checkpoint and pictures.

    Parameters
    ----------
    options : RunOptions
    progress : bool
        Show a progress bar.

    Returns
    -------
    RunResult

    Raises
    ------
    ValueError
        If an option is unknown or out of range, or the resumed run has already taken that many steps.
    CheckpointError
        If there is nothing to resume from.
    TrainingDivergedError
        When a loss is NaN or infinite.
    DiskFullError
        When there is no room.
    """
    options, file = _resumed(options) if options.resume else (options, None)
    if options.threads:
        torch.set_num_threads(options.threads)
    trainer, data = build(options)
    if file is not None:
        trainer.resume(file)
    _start(options, trainer, data, fresh=file is None)
    return _run(options, trainer, data, progress)


def _start(options: RunOptions, trainer: Trainer, data: _Data, fresh: bool) -> None:
    """Say what is about to happen, and note the options."""
    if trainer.step >= options.steps:
        raise ValueError(
            f"steps: the run has taken {trainer.step} already; ask for more than that, got {options.steps}"
        )
    if fresh:
        trainer.log.cut(0)
        trainer.timing.cut(0)
    _write_options(options)
    _log.info("%s on %s, %s", data.origin, devices.describe(trainer.device), trainer.constraint)


def _run(options: RunOptions, trainer: Trainer, data: _Data, progress: bool) -> RunResult:
    def after(current: Trainer) -> None:
        if current.step % options.sample_every == 0 or current.step == options.steps:
            _save_samples(current, data)

    record = trainer.fit(options.steps, progress=progress, after=after)
    folder, described = trainer.folder, devices.describe(trainer.device)
    return RunResult(
        folder,
        trainer.log.path,
        trainer.checkpoint_path,
        folder / "samples.png",
        record,
        described,
        data.origin,
        trainer,
    )
