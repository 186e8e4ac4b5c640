"""Each recipe of the reference runs, on tiny sizes, and does what its page says."""

import importlib.util
import json
import runpy
import sys

import pytest
import torch
from PIL import Image

from tests.fixtures.torchrun import as_torchrun_does
from wgan_course import norms, transport


@pytest.fixture
def recipe(course_root):
    def load(name):
        file = course_root / "book" / "api" / "recipes" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"recipe_{name}", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(3)


def test_own_images(recipe, tmp_path):
    for number in range(70):
        folder = tmp_path / "pictures" / ("a" if number % 2 else "b")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20 + number, 30), (number, 2 * number, 255 - number)).save(folder / f"{number}.png")
    run = recipe("own_images").main(tmp_path / "pictures", tmp_path / "out", steps=1, width=4)
    assert run.trainer.step == 1
    assert "70 images" in run.data
    assert (tmp_path / "out" / "samples.png").is_file()


def test_own_critic(recipe):
    torch.manual_seed(0)  # the module of the recipe's own draws its weights as PyTorch does
    critic = recipe("own_critic").main(steps=1).critic.eval()
    one, other = critic(torch.tensor([[1.0, 2.0], [2.0, 1.0]])).tolist()
    assert one == pytest.approx(other, abs=1e-5)
    layers = [layer for layer in critic.modules() if isinstance(layer, torch.nn.Linear)]
    assert len(layers) == 3
    assert all(norms.spectral_norm(layer.weight.detach()).item() == pytest.approx(1, abs=0.1) for layer in layers)


def test_own_constraint(recipe, course_root, rng):
    module = recipe("own_constraint")
    fake = torch.randn(5, 2, generator=rng)
    by_hand = 3 / 2 * (4 * fake**2).sum(1).mean()  # the gradient of x₁² + x₂² is 2x
    torch.testing.assert_close(module.R2(3.0).penalty(lambda x: x.square().sum(1), fake, fake, rng).detach(), by_hand)
    trainer = module.main(steps=1)
    assert trainer.record["penalty"] > 0
    text = (course_root / "book" / "api" / "recipes" / "own_constraint.py").read_text()
    assert len(text.split("class R2")[1].split("def main")[0].splitlines()) < 30


def test_tabular(recipe, rng):
    numbers = torch.randn(40, 2, generator=rng) * 3 + 100
    categories = torch.stack((torch.arange(40) % 3, torch.arange(40) % 2), 1)
    made, levels = recipe("tabular").main(numbers, categories, steps=2)
    assert made.shape == (40, 2)
    assert ((made - 100).abs() < 60).all()
    assert levels.shape == (40, 2)
    assert all(column.min() >= 0 and column.max() < k for column, k in zip(levels.T, (3, 2), strict=True))


def test_two_samples(recipe, rng):
    x, y = torch.randn(20, 2, generator=rng), torch.randn(15, 2, generator=rng)
    near, far = (recipe("two_samples").main(x, y + shift, 19) for shift in (0.0, 5.0))
    assert far["w1"] == pytest.approx(float(transport.wasserstein(x, y + 5.0)))
    assert far["p"] == pytest.approx(1 / 20)
    assert near["p"] > 1 / 20
    assert 0 < near["by chance"] < far["by chance"]


def test_certified(recipe):
    accuracy, certified = recipe("certified").main(epochs=2, n=500, width=32)
    assert 0.3 < accuracy <= 1
    assert 0.1 < certified < accuracy


def test_transformer(recipe):
    critic, sigmas = recipe("transformer").main()
    assert sigmas == pytest.approx([1.0] * 6, abs=1e-3)
    with pytest.raises(norms.NoLipschitzBoundError):
        norms.lipschitz_upper(critic, (10, 4))


def test_the_constraint_refuses_the_library_s_attention():
    from wgan_course import constraints

    with pytest.raises(ValueError, match="in_proj_weight"):
        constraints.make("sn").prepare(torch.nn.MultiheadAttention(8, 1))


def as_a_program(script, *words):
    """Run a script as torchrun does once it has started a process."""
    sys.argv[1:] = map(str, words)
    runpy.run_path(str(script), run_name="__main__")


@pytest.mark.slow
def test_several_processes(recipe, course_root, tmp_path):
    script = course_root / "book" / "api" / "recipes" / "several_processes.py"
    one = recipe("several_processes").main(str(tmp_path / "one"), steps=1)  # first: a fork has what it imports
    as_torchrun_does(as_a_program, script, tmp_path / "two", 1)
    lines = (tmp_path / "two" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [pytest.approx(one.record, rel=0.05)]


def test_resume(recipe, tmp_path):
    module = recipe("resume")
    again = module.main(tmp_path / "halves", steps=4)
    whole = module.trainer(tmp_path / "whole")
    whole.fit(4)
    assert again.step == whole.step == 4
    assert all(map(torch.equal, again.generator.parameters(), whole.generator.parameters()))


def test_export(recipe, tmp_path):
    from onnx.reference import ReferenceEvaluator

    from wgan_course.models import dcgan

    file = recipe("export").main(tmp_path / "run", steps=1)
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["generator"]
    generator = dcgan.Generator(32, 28, 1, 16)
    generator.load_state_dict(state)
    z = torch.randn(3, 32, generator=torch.Generator().manual_seed(0))
    (images,) = ReferenceEvaluator(str(file)).run(None, {"z": z.numpy()})
    torch.testing.assert_close(torch.from_numpy(images), generator.eval()(z).detach(), rtol=1e-4, atol=1e-5)
