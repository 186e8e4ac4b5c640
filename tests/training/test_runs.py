"""Runs from options, their files, and the small parts below them: devices, pictures, logs."""

import json
from dataclasses import replace

import pytest
import torch
from PIL import Image

from tests.training.tiny import seeded
from wgan_course.training import devices, runlog
from wgan_course.training.checkpoint import CheckpointError
from wgan_course.training.runs import RunOptions, build, train_from_options

SMALL = {"batch": 4, "n_critic": 1, "width": 4, "latent": 2, "device": "cpu", "data_source": "embedded", "log_every": 1}


def run(out, **options):
    return train_from_options(RunOptions(**{**SMALL, "out": out, **options}), progress=False)


@pytest.mark.parametrize("model", ["auto", "mlp", "resnet"])
def test_a_run_on_images_leaves_its_files(tmp_path, model):
    result = run(tmp_path, steps=2, model=model, sample_every=1)
    assert [r["step"] for r in runlog.read(result.log)] == [1, 2]
    assert result.record["step"] == 2
    assert result.checkpoint.is_file()
    assert Image.open(result.samples).size == (8 * 30 + 2, 8 * 30 + 2)
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == ["step-000001.png", "step-000002.png"]
    assert json.loads((tmp_path / "options.json").read_text())["model"] == model
    assert "embedded" in result.data
    assert result.device.startswith("cpu")


def test_a_conditional_run_and_a_toy_run(tmp_path):
    assert run(tmp_path / "a", steps=1, conditional=True, constraint="gp").trainer.conditional
    toy = run(tmp_path / "b", steps=1, data="eight-gaussians", constraint="orthonormal")
    assert Image.open(toy.samples).size == (256, 256)


def test_resume_keeps_the_options_and_equals_going_on(tmp_path):
    whole = run(tmp_path / "whole", steps=6, data="two-moons", constraint="gp", checkpoint_every=3, seed=4)
    run(tmp_path / "parts", steps=3, data="two-moons", constraint="gp", checkpoint_every=3, seed=4)
    parts = train_from_options(RunOptions(resume=tmp_path / "parts", steps=6, device="cpu"), progress=False)
    assert parts.folder == tmp_path / "parts"
    assert parts.log.read_bytes() == whole.log.read_bytes()
    for a, b in zip(whole.trainer.generator.parameters(), parts.trainer.generator.parameters(), strict=True):
        assert torch.equal(a, b)


def test_resume_refuses_what_is_no_run_and_what_is_done(tmp_path):
    with pytest.raises(CheckpointError, match="no run to resume"):
        train_from_options(RunOptions(resume=tmp_path))
    run(tmp_path / "a", steps=2, data="two-moons", constraint="none")
    with pytest.raises(ValueError, match="has taken 2 already"):
        train_from_options(RunOptions(resume=tmp_path / "a", steps=2, device="cpu"))


def test_clipping_takes_rmsprop_and_given_rates_win(tmp_path):
    clip, _ = build(RunOptions(**{**SMALL, "out": tmp_path, "lr_critic": 7e-3}))
    free, _ = build(RunOptions(**{**SMALL, "out": tmp_path, "data": "two-moons", "constraint": "sn"}))
    assert isinstance(clip.critic_optimiser, torch.optim.RMSprop)
    assert isinstance(free.critic_optimiser, torch.optim.Adam)
    assert clip.critic_optimiser.param_groups[0]["lr"] == 7e-3


BAD = [
    ("steps", 0), ("batch", 0), ("latent", -1), ("model", "vae"), ("data", "imagenet"), ("constraint", "hope"),
    ("objective", "fame"), ("threads", 0), ("precision", "fp8"), ("size", 30), ("sample_every", 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_options_are_named(tmp_path, name, value):
    with pytest.raises(ValueError, match=rf"{name}|{value}"):
        run(tmp_path, **{name: value})


def test_points_refuse_image_models_and_labels(tmp_path):
    with pytest.raises(ValueError, match="makes images"):
        run(tmp_path, data="two-moons", model="dcgan")
    with pytest.raises(ValueError, match="no labels"):
        run(tmp_path, data="two-moons", conditional=True)


def test_devices_are_chosen_described_and_refused(caplog):
    caplog.set_level("INFO")
    assert devices.choose("cpu") == torch.device("cpu")
    assert "cpu" in caplog.text
    assert "threads" in devices.describe("cpu")
    assert devices.choose().type in ("cpu", "cuda", "mps")
    with pytest.raises(ValueError, match="device must be"):
        devices.choose("abacus")
    with pytest.raises(ValueError, match="not at hand"):
        devices.choose("cuda:99")


def test_streams_of_a_seed_differ_and_repeat():
    draws = {
        (s, k): tuple(torch.rand(2, generator=devices.make_generator("cpu", s, k)).tolist())
        for s in (0, 1)
        for k in (0, 1)
    }
    assert len(set(draws.values())) == 4
    assert draws[1, 1] == tuple(torch.rand(2, generator=devices.make_generator("meta", 1, 1)).tolist())
    for seed, stream in ((-1, 0), (0, 1000)):
        with pytest.raises(ValueError, match="seed"):
            devices.make_generator("cpu", seed, stream)


def test_precision_context():
    x = torch.ones(2, 2)
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with devices.precision_context("cpu", name):
            assert (x @ x).dtype == dtype
    with pytest.raises(ValueError, match="precision"):
        devices.precision_context("cpu", "fp8")


def test_points_are_drawn_where_they_lie():
    picture = runlog.point_picture(torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.5], [9.0, 0.0]]), 100, reach=2.0)[
        0, 0
    ]
    assert float(picture[49, 50]) == 0.5
    assert float(picture[99 - 62, 75]) == -1
    assert int((picture != 1).sum()) == 9 + 5
    with pytest.raises(ValueError, match="real and fake"):
        runlog.point_picture(torch.zeros(1, 3), torch.zeros(1, 2))


def test_a_picture_keeps_its_levels(tmp_path):
    levels = torch.tensor([-1.0, 0.0, 1.0, 5.0]).reshape(1, 1, 2, 2)
    image = Image.open(runlog.save_picture(tmp_path / "p.png", levels, columns=1)).convert("L")
    shown = [image.getpixel((x, y)) for y in (0, 1) for x in (0, 1)] if image.size == (2, 2) else None
    shown = shown or [image.getpixel((2 + x, 2 + y)) for y in (0, 1) for x in (0, 1)]
    assert shown == pytest.approx([0, 128, 255, 255], abs=1)
    for bad in (torch.zeros(0, 1, 2, 2), torch.zeros(1, 2, 2, 2), torch.zeros(2, 2)):
        with pytest.raises(ValueError, match="images must have shape"):
            runlog.save_picture(tmp_path / "q.png", bad)


def test_a_log_survives_a_line_that_was_cut_short(tmp_path):
    log = runlog.RunLog(tmp_path / "log.jsonl")
    log.write({"step": 1})
    size = log.sync()
    with log.path.open("ab") as file:
        file.write(b'{"step": 2, "los')
    assert runlog.read(log.path) == [{"step": 1}]
    log.cut(size)
    log.write({"step": 2})
    assert [r["step"] for r in runlog.read(log.path)] == [1, 2]
    with pytest.raises(ValueError, match="JSON"):
        log.write({"loss": float("nan")})


def test_seeded_generators_are_fresh():
    assert torch.equal(torch.rand(2, generator=seeded(1)), torch.rand(2, generator=seeded(1)))


def test_what_is_absent_depends_on_the_kind_of_data_and_what_is_given_stays():
    points = RunOptions(data="8-gaussians", constraint="gp").settled()
    assert (points.batch, points.latent, points.width, points.ema) == (128, 2, 64, 0.98)
    assert points.constraint_options == {"weight": 1.0}
    assert (points.config().optimiser, points.config().lr_critic, points.config().lr_generator) == ("adam", 2e-3, 1e-3)
    pictures = RunOptions(constraint="gp").settled()
    assert (pictures.batch, pictures.latent, pictures.width, pictures.ema) == (64, 32, None, 0.0)
    assert pictures.constraint_options == {}
    assert pictures.config().lr_critic == 2e-4
    given = {"batch": 8, "latent": 3, "width": 5, "ema": 0.0, "lr_critic": 0.1, "lr_generator": 0.2}
    own = RunOptions(data="two-moons", constraint="gp", constraint_options={"weight": 7.0}, **given).settled()
    assert {name: getattr(own, name) for name in given} == given
    assert own.constraint_options == {"weight": 7.0}
    assert RunOptions(data="two-moons", optimiser="rmsprop").settled().config().lr_critic == 5e-4
    projected = RunOptions(data="two-moons", constraint="sn_projected")
    assert (projected.settled().config().lr_critic, projected.settled().config().lr_generator) == (5e-4, 1e-3)
    assert replace(projected, lr_critic=0.1).settled().config().lr_critic == 0.1


def test_the_options_of_a_run_are_written_with_all_that_was_chosen(tmp_path):
    train_from_options(
        RunOptions(data="two-moons", constraint="lp", steps=1, n_critic=1, device="cpu", out=tmp_path), progress=False
    )
    written = json.loads((tmp_path / "options.json").read_text())
    assert written["constraint_options"] == {"weight": 1.0}
    assert (written["batch"], written["latent"], written["width"], written["ema"]) == (128, 2, 64, 0.98)
