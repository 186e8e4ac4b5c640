"""The shipped classifier: its accuracy measured again, its file, and what it refuses."""

import json
import math

import pytest
import torch

from wgan_course.data import fashion, images
from wgan_course.measures import classifier

HAS_DEBIAN = fashion.complete(fashion.DEBIAN_FOLDER, "test")


def embedded(split="test"):
    return images.load(split=split, source="embedded")


def test_accuracy_on_the_embedded_test_images():
    assert classifier.accuracy(classifier.load_pretrained(), embedded()) > 0.9


@pytest.mark.skipif(not HAS_DEBIAN, reason="apt-get install dataset-fashion-mnist")
def test_accuracy_on_all_test_images():
    found = classifier.evaluate(classifier.load_pretrained(), "debian")
    assert found["images"] == 10000
    assert found["accuracy"] > 0.91


def test_provenance_tells_the_truth():
    record = json.loads(classifier.WEIGHTS_FILE.with_suffix(".json").read_text())
    model = classifier.load_pretrained()
    assert record["parameters"] == sum(value.numel() for value in model.parameters()) == 73050
    claimed = next(entry for entry in record["test"] if entry["source"] == "embedded")
    assert classifier.accuracy(model, embedded()) == pytest.approx(claimed["accuracy"], abs=0.003)
    assert record["trained_on"]["md5"] == images.CONTENT_MD5
    assert "classifier train --epochs 25 --seed 0" in record["command"]  # under the name that the module had then


def test_weights_are_small():
    assert classifier.WEIGHTS_FILE.stat().st_size < 200_000


def test_accuracy_against_a_loop():
    data = embedded().take(50)
    model = classifier.load_pretrained()
    right = [model(image[None]).argmax().item() == label for image, label in zip(data.images, data.labels, strict=True)]
    assert classifier.accuracy(model, data, batch_size=7) == pytest.approx(sum(right) / 50)


def test_features_are_what_the_head_reads_whatever_the_batches():
    model, x = classifier.load_pretrained(), embedded().images[:30]
    got = classifier.features(x, batch_size=7)
    assert got.shape == (30, classifier.FEATURES)
    torch.testing.assert_close(model.head(got), model(x))
    torch.testing.assert_close(got, classifier.features(x, batch_size=1000))
    assert not got.requires_grad


def test_features_of_padded_images_are_those_of_the_originals():
    x = embedded().images[:20]
    torch.testing.assert_close(classifier.features(images.resize(x, 32)), classifier.features(x))


def test_features_of_other_sizes_and_types():
    x = images.resize(embedded().images[:5], 64)
    assert classifier.features(x.double()).shape == (5, classifier.FEATURES)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(3, 28, 28), "must have shape"),
        (torch.zeros(2, 3, 28, 28), "must have shape"),
        (torch.zeros(2, 1, 28, 30), "must have shape"),
        (torch.zeros(0, 1, 28, 28), "empty batch"),
        (torch.full((1, 1, 28, 28), math.nan), "NaN or infinite"),
    ],
)
def test_refused_images(x, message):
    with pytest.raises(ValueError, match=message):
        classifier.features(x)


def test_saving_and_loading(tmp_path):
    torch.manual_seed(0)
    model = classifier.Classifier()
    classifier.save(model, tmp_path / "weights.safetensors")
    again = classifier.load_weights(tmp_path / "weights.safetensors")
    for (name, ours), theirs in zip(model.named_parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(theirs, ours.detach().half().float(), msg=name)
    assert not any(p.requires_grad for p in again.parameters())
    assert not again.training


def test_missing_and_damaged_weights(tmp_path):
    file = tmp_path / "weights.safetensors"
    with pytest.raises(FileNotFoundError, match=r"weights\.safetensors does not exist\. Cure: install"):
        classifier.load_weights(file)
    content = classifier.WEIGHTS_FILE.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"<html>"):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"weights\.safetensors is corrupt .* Cure: install"):
            classifier.load_weights(file)


def test_weights_of_another_architecture(tmp_path):
    from safetensors.torch import save_file

    save_file({"other": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="another architecture"):
        classifier.load_weights(tmp_path / "other.safetensors")


def test_training_learns_repeats_and_leaves_the_global_state_alone():
    data, before, losses = embedded("train").take(640), torch.random.get_rng_state(), []
    runs = [
        classifier.train(data, epochs=2, seed=seed, on_epoch=lambda _epoch, loss, _model: losses.append(loss))
        for seed in (0, 0, 1)
    ]
    states = [torch.cat([p.flatten() for p in run.parameters()]) for run in runs]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
    assert losses[1] < losses[0]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_training_needs_a_batch():
    with pytest.raises(ValueError, match="batch_size must be at most the number of images, 20, got 128"):
        classifier.train(embedded().take(20))


def test_commands(tmp_path, caplog):
    target = tmp_path / "weights.safetensors"
    arguments = ["--epochs", "1", "--source", "embedded", "--target", str(target)]
    with caplog.at_level("INFO"):
        assert classifier.main(["train", *arguments]) == 0
        assert classifier.main(["evaluate", *arguments]) == 0
    record = json.loads(target.with_suffix(".json").read_text())
    assert record["trained_on"]["source"] == "embedded"
    assert str(record["test"][1]) in caplog.text
