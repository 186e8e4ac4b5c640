"""A folder of pictures: what is found and how it is decoded, what bad files say, and the file that is kept."""

import io
import logging
import os
import struct
import zlib

import numpy as np
import PIL
import pytest
import torch
from PIL import Image

from wgan_course.data import cache, folder, images
from wgan_course.data.idx import BadFileError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("WGAN_COURSE_DATA", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def here(tmp_path):
    """A folder without pictures yet."""
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def paint(file, colour=RED, mode="RGB", size=(16, 16), **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(file, **options)
    return file


def mean_colour(data, index=0):
    return [round(level) for level in data.images[index].mean((1, 2)).add(1).mul(127.5).tolist()]


def left_out(data):
    return dict(data.skipped)


# --- what is found ---------------------------------------------------------------------------------------------------


def test_a_flat_folder_is_one_class_in_the_order_of_names(here):
    for name, colour in (("b.png", GREEN), ("a.png", RED), ("C.png", BLUE)):
        paint(here / name, colour)
    data = images.load(here)
    assert data.images.shape == (3, 3, 16, 16)
    assert [mean_colour(data, k) for k in range(3)] == [list(BLUE), list(RED), list(GREEN)]
    assert (data.classes, data.labels.tolist()) == (("set",), [0, 0, 0])
    assert (data.source, data.origin, data.skipped) == ("path", str(here), ())


def test_class_folders_are_labels_as_torchvision_has_them(here):
    from torchvision.datasets import ImageFolder

    for name in ("cat/1.png", "cat/deep/2.png", "bird/x.png", "eel/y.png", "eel/z.png"):
        paint(here / name)
    data, expected = images.load(str(here)), ImageFolder(here)
    assert data.classes == tuple(expected.classes)
    assert data.labels.tolist() == expected.targets


def test_pixels_are_the_files_own(here):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(here / "a.png")
    assert np.array_equal(images.from_unit(images.load(here).images)[0].permute(1, 2, 0), pixels)


def test_pictures_beside_class_folders_are_not_lost(here, caplog):
    paint(here / "cat" / "1.png")
    paint(here / "loose.png")
    data = images.load(here)
    assert (len(data), data.classes) == (2, ("set",))
    assert "pictures beside the class folders: 1, so that all 2 are taken as one class" in caplog.text


def test_one_class_folder_is_one_class(here):
    paint(here / "faces" / "1.png")
    data = images.load(here)
    assert (data.classes, data.labels.tolist()) == (("faces",), [0])


@pytest.mark.parametrize("test_name", ["test", "val"])
def test_train_and_test_folders(here, test_name):
    paint(here / "train" / "a" / "1.png", RED)
    paint(here / test_name / "a" / "1.png", GREEN)
    assert mean_colour(images.load(here)) == list(RED)
    assert mean_colour(images.load(here, "test")) == list(GREEN)


def test_no_test_folder(here):
    paint(here / "a.png")
    with pytest.raises(FileNotFoundError, match="has no folders train and test, so all its pictures are for training"):
        images.load(here, "test")


def test_a_class_of_bad_files_alone_leaves_no_gap(here):
    paint(here / "a" / "1.png")
    (here / "b").mkdir()
    (here / "b" / "bad.png").write_bytes(b"no picture")
    paint(here / "c" / "1.png")
    data = images.load(here)
    assert (data.classes, data.labels.tolist()) == (("a", "c"), [0, 1])


def test_other_and_hidden_files_are_no_bad_pictures(here, caplog):
    paint(here / "a.png")
    (here / "notes.txt").write_text("hello")
    (here / "._a.png").write_bytes(b"what macOS leaves")
    (here / "__MACOSX").mkdir()
    (here / "__MACOSX" / "a.png").write_bytes(b"what macOS leaves")
    with caplog.at_level(logging.INFO):
        data = images.load(here)
    assert (len(data), data.skipped) == (1, ())
    assert "other files, not looked at: {'.txt': 1}" in caplog.text


@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "webp", "gif", "bmp", "tiff", "ppm", "jp2"])
def test_formats(here, suffix):
    paint(here / f"a.{suffix}", GREEN, size=(32, 32))
    assert np.abs(np.subtract(mean_colour(images.load(here)), GREEN)).max() <= 3


def test_content_counts_and_not_the_suffix(here):
    paint(here / "a.jpg", format="PNG")
    assert mean_colour(images.load(here)) == list(RED)


# --- size and channels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(28, 28)] * 2, 28),
        ([(128, 128)] * 2, 128),
        ([(129, 129)] * 2, 64),
        ([(20, 30)] * 2, 32),
        ([(64, 64), (200, 100), (80, 90)], 64),
        ([(64, 64), (20, 100), (30, 90)], 32),
        ([(1, 1)], 32),
    ],
)
def test_the_size_that_is_chosen(here, sizes, expected):
    for k, size in enumerate(sizes):
        paint(here / f"{k}.png", size=size)
    data = images.load(here)
    assert data.images.shape == (len(sizes), 3, expected, expected)
    assert mean_colour(data) == list(RED)


def test_size_and_channels_given(here):
    paint(here / "a.png", size=(30, 50))
    assert images.load(here, size=40, channels=1).images.shape == (1, 1, 40, 40)


def test_grey_pictures_have_one_channel_and_one_coloured_makes_three(here):
    paint(here / "a.png", 77, "L")
    assert images.load(here).images.shape == (1, 1, 16, 16)
    paint(here / "b.png", RED)
    data = images.load(here)
    assert data.images.shape == (2, 3, 16, 16)
    assert mean_colour(data) == [77, 77, 77]


def test_the_middle_is_kept(here):
    picture = Image.new("RGB", (60, 20), RED)
    picture.paste(GREEN, (20, 0, 40, 20))
    picture.save(here / "a.png")
    assert mean_colour(images.load(here, size=20)) == list(GREEN)


def test_going_down_averages(here):
    stripes = np.zeros((64, 64), dtype=np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(here / "a.png")
    inside = images.load(here, size=16).images[..., 2:-2, 2:-2]
    assert inside.abs().max() < 0.05  # without a filter every fourth column would be all white


# --- modes -----------------------------------------------------------------------------------------------------------


def test_cmyk(here):
    paint(here / "a.jpg", (0, 255, 255, 0), "CMYK", size=(32, 32))
    assert np.abs(np.subtract(mean_colour(images.load(here)), RED)).max() <= 3


@pytest.mark.parametrize("suffix", ["png", "tiff", "pgm"])
@pytest.mark.parametrize("level", [0, 100, 128 * 257, 65535])
def test_sixteen_bits_are_scaled_and_not_clipped(here, suffix, level):
    Image.fromarray(np.full((16, 16), level, dtype=np.uint16)).save(here / f"a.{suffix}")
    data = images.load(here)
    assert data.images.shape == (1, 1, 16, 16)
    assert mean_colour(data) == [round(level / 257)]


def sixteen_bit_colour_png(level):
    """A PNG of 8 by 8 pixels with 16 bits a channel, which Pillow cannot write, byte by byte."""
    rows = b"".join(b"\0" + struct.pack(">3H", level, 0, 65535) * 8 for _ in range(8))
    chunks = ((b"IHDR", struct.pack(">2I5B", 8, 8, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = (struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_sixteen_bits_in_colour(here):
    (here / "a.png").write_bytes(sixteen_bit_colour_png(128 * 257))
    assert mean_colour(images.load(here)) == [128, 0, 255]


def test_floats_between_0_and_1(here):
    Image.fromarray(np.full((16, 16), 0.4, dtype=np.float32)).save(here / "a.tiff")
    assert mean_colour(images.load(here)) == [102]


@pytest.mark.parametrize("value", [7.5, -0.1, np.nan, np.inf])
def test_floats_of_unknown_range_are_named(here, value):
    paint(here / "good.png")
    Image.fromarray(np.full((16, 16), value, dtype=np.float32)).save(here / "a.tiff")
    assert "where 0 to 1 are understood" in left_out(images.load(here))["a.tiff"]


@pytest.mark.parametrize("value", [-1, 70000])
def test_integers_of_unknown_range_are_named(here, value):
    paint(here / "good.png")
    Image.fromarray(np.full((16, 16), value, dtype=np.int32)).save(here / "a.tiff")
    assert "where 0 to 65535 are understood" in left_out(images.load(here))["a.tiff"]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "1", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"])
def test_every_mode_that_a_tiff_has_becomes_grey_and_colour(here, mode, channels):
    if mode == "YCbCr" and int(PIL.__version__.split(".")[0]) < 13:
        pytest.skip("Pillow reads its own YCbCr TIFF from version 13 on")
    Image.new(mode, (16, 16), 0).save(here / "a.tiff")
    assert images.load(here, channels=channels).images.shape == (1, channels, 16, 16)


def test_palettes(here):
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.save(here / "a.png")
    assert mean_colour(images.load(here)) == list(GREEN)


def test_black_and_white(here):
    paint(here / "a.png", 1, "1")
    assert mean_colour(images.load(here)) == [255]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("RGBA", (255, 0, 0, 0), WHITE),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),
        ("LA", (0, 0), (255,)),
        ("LA", (0, 255), (0,)),
    ],
)
def test_transparency_lies_on_white(here, mode, colour, expected):
    paint(here / "a.png", colour, mode)
    assert mean_colour(images.load(here)) == list(expected)


def test_a_transparent_colour(here):
    paint(here / "rgb.png", RED, transparency=RED)
    picture = Image.new("P", (16, 16), 0)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.save(here / "palette.png", transparency=0)
    data = images.load(here)
    assert [mean_colour(data, k) for k in range(2)] == [list(WHITE)] * 2


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tiff"])
def test_animations_count_with_their_first_frame(here, suffix):
    frames = [Image.new("RGB", (16, 16), colour) for colour in (GREEN, RED, BLUE)]
    lossless = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(here / f"a.{suffix}", save_all=True, append_images=frames[1:], **lossless)
    data = images.load(here)
    assert len(data) == 1
    assert mean_colour(data) == list(GREEN)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_followed(here, orientation):
    upright = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    undo = {
        1: lambda x: x,
        2: lambda x: x[:, ::-1],
        3: lambda x: x[::-1, ::-1],
        4: lambda x: x[::-1],
        5: lambda x: x.transpose(1, 0, 2),
        6: lambda x: np.rot90(x, 1),
        7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
        8: lambda x: np.rot90(x, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(undo[orientation](upright))).save(here / "a.png", exif=exif)
    assert np.array_equal(images.from_unit(images.load(here).images)[0].permute(1, 2, 0), upright)


def test_damaged_exif_does_not_lose_the_picture(here):
    paint(here / "a.jpg", exif=b"Exif\0\0" + b"MM\0*\0\0\0\x08\xff\xff", size=(32, 32))
    data = images.load(here)
    assert data.skipped == ()
    assert np.abs(np.subtract(mean_colour(data), RED)).max() <= 3


# --- bad files: each is named, with its reason, and the others are kept ----------------------------------------------


def noisy(format):
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(stream, format)
    return stream.getvalue()


def bomb():
    """A PNG whose header announces 20,000 by 20,000 pixels."""
    header = struct.pack(">2I5B", 20000, 20000, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


BAD = {
    "empty.png": (b"", "the file is empty"),
    "text.jpg": (b"<html>404</html>", "no picture that Pillow can read"),
    "phone.heic": (b"\0\0\0\x18ftypheic", "no picture that Pillow can read"),
    "cut.png": (noisy("PNG")[:3000], "damaged or not understood: "),
    "cut.jpg": (noisy("JPEG")[:1500], "damaged or not understood: image file is truncated"),
    "cut.gif": (noisy("GIF")[:2000], "damaged or not understood: "),
    "cut.bmp": (noisy("BMP")[:3000], "damaged or not understood: "),
    "cut.tiff": (noisy("TIFF")[:3000], ""),
    "cut.webp": (noisy("WEBP")[:900], ""),
    "head.png": (noisy("PNG")[:20], ""),
    "bomb.png": (bomb(), "too large, over Pillow's limit of 89,478,485 pixels"),
    "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture that Pillow can read"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("wishes", [{}, {"size": 16, "channels": 3}])
def test_bad_files_are_named_and_the_others_kept(here, caplog, name, wishes):
    content, reason = BAD[name]
    (here / name).write_bytes(content)
    paint(here / "good.png", GREEN)
    data = images.load(here, **wishes)
    assert (len(data), mean_colour(data)) == (1, list(GREEN))
    assert list(left_out(data)) == [name]
    assert left_out(data)[name].startswith(reason)
    assert f"left out 1: {name} ({left_out(data)[name]})" in caplog.text


def test_bad_files_alone(here):
    for name, (content, _) in BAD.items():
        (here / name).write_bytes(content)
    with pytest.raises(BadFileError, match=r"has no picture that can be read: .*text\.jpg \(no picture.* and 2 more"):
        images.load(here)
    with pytest.raises(BadFileError, match="has no picture that can be read"):
        images.load(here, size=16, channels=3)


def test_a_bomb_is_refused_by_the_limit_that_pillow_has(here, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    paint(here / "small.png", size=(16, 16))
    paint(here / "large.png", size=(20, 20))  # above the limit, below its double: a mere warning of Pillow's
    assert list(left_out(images.load(here))) == ["large.png"]


def test_many_bad_files_are_counted(here, caplog):
    for k in range(30):
        (here / f"{k:02}.png").write_bytes(b"x")
    paint(here / "good.png")
    assert len(images.load(here).skipped) == 30
    assert "left out 30: 00.png (no picture that Pillow can read), 01.png" in caplog.text
    assert "and 20 more" in caplog.text


@pytest.mark.parametrize("as_root", [False, True])
def test_no_permission(here, monkeypatch, as_root):
    paint(here / "good.png", GREEN)
    closed = paint(here / "closed.png")
    closed.chmod(0)
    if os.access(closed, os.R_OK) or as_root:  # root may read all: let Pillow's opening fail as it would
        real = Image.open

        def refuse(path, *args, **options):
            if os.path.basename(path) == "closed.png":
                raise PermissionError(13, "Permission denied")
            return real(path, *args, **options)

        monkeypatch.setattr(Image, "open", refuse)
    data = images.load(here)
    assert left_out(data) == {"closed.png": "no permission to read it"}
    assert mean_colour(data) == list(GREEN)


def test_a_folder_that_may_not_be_looked_into(here, monkeypatch):
    paint(here / "open" / "1.png", GREEN)
    paint(here / "shut" / "1.png")
    real = os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    data = images.load(here)
    assert left_out(data) == {"shut": "can't be looked into: no permission to read it"}
    assert data.classes == ("open",)


def test_links(here, tmp_path):
    paint(tmp_path / "elsewhere" / "1.png", GREEN)
    paint(here / "a" / "1.png")
    (here / "b").symlink_to(tmp_path / "elsewhere")
    (here / "a" / "loop").symlink_to(here)
    (here / "a" / "self.png").symlink_to(here / "a" / "self.png")
    (here / "a" / "gone.png").symlink_to(here / "nowhere.png")
    data = images.load(here)
    assert (data.classes, data.labels.tolist()) == (("a", "b"), [0, 1])
    assert mean_colour(data, 1) == list(GREEN)
    nothing = "no file, a link that leads nowhere, or not to be seen by you"
    assert left_out(data) == {
        "a/loop": "a link to a folder that is read already",
        "a/gone.png": nothing,
        "a/self.png": nothing,
    }


def test_a_pipe_is_not_waited_for(here):
    paint(here / "good.png")
    os.mkfifo(here / "pipe.png")
    assert list(left_out(images.load(here))) == ["pipe.png"]


def test_names_that_are_no_utf8(here):
    place = os.fsencode(here) + b"/caf\xe9"
    try:
        os.mkdir(place)
    except OSError:
        pytest.skip("this file system has UTF-8 names alone")
    content = (paint(here / "a" / "1.png", GREEN)).read_bytes()
    for name, bad in ((b"\xff.png", False), (b"\xfe.png", True)):
        with open(place + b"/" + name, "wb") as file:
            file.write(b"bad" if bad else content)
    for _ in range(2):  # decoded, then from the kept file
        data = images.load(here)
        assert data.classes == ("a", r"caf\xe9")
        assert left_out(data) == {r"caf\xe9/\xfe.png": "no picture that Pillow can read"}
        str(data.classes).encode("utf-8")
    inside = images.load(os.fsdecode(place))
    assert inside.origin == os.path.join(here, r"caf\xe9")
    assert inside.classes == (r"caf\xe9",)


def test_without_pictures(here):
    with pytest.raises(BadFileError, match=r"set has no pictures \(\.png, \.jpg, \.webp, \.\.\.\); it holds no files"):
        images.load(here)
    (here / "a.txt").write_text("x")
    (here / "b.zip").write_text("x")
    (here / "c.TXT").write_text("x")
    with pytest.raises(BadFileError, match=r"it holds 2 \.txt, 1 \.zip"):
        images.load(here)


@pytest.mark.parametrize("name", ["a.png", "a.zip"])
def test_a_file_in_place_of_a_folder(here, name):
    (here / name).write_bytes(b"x")
    with pytest.raises(BadFileError, match=f"{name} is a file; give a folder of pictures, or an .npz file"):
        images.load(here / name)


def test_nothing_there(here):
    with pytest.raises(FileNotFoundError, match=r"nowhere' is no file or folder here, and no known set: fashion"):
        images.load(here / "nowhere")
    for name in ("fashion-minst", ""):
        with pytest.raises(FileNotFoundError, match=f"data '{name}' is no file .* fashion-mnist, emoji, mnist"):
            images.load(name)


def test_a_folder_called_like_a_set(here, monkeypatch):
    paint(here / "emoji" / "1.png")
    monkeypatch.chdir(here)
    assert len(images.load("emoji")) == 3786
    assert len(images.load("./emoji")) == 1


# --- the kept file ---------------------------------------------------------------------------------------------------


@pytest.fixture
def decoded(monkeypatch):
    """Names of the files that were decoded."""
    names, real = [], folder._decode
    monkeypatch.setattr(folder, "_decode", lambda path, **wishes: names.append(path.name) or real(path, **wishes))
    return names


def test_the_second_time_nothing_is_decoded(here, decoded):
    paint(here / "a" / "1.png", RED)
    paint(here / "b" / "2.png", GREEN)
    (here / "b" / "bad.png").write_bytes(b"x")
    first = images.load(here)
    assert sorted(decoded) == ["1.png", "2.png"]
    second = images.load(here)
    assert len(decoded) == 2
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)
    assert first.classes == second.classes
    assert first.skipped == second.skipped != ()


def test_bad_files_are_named_the_second_time_too(here, caplog):
    paint(here / "good.png")
    (here / "bad.png").write_bytes(b"x")
    images.load(here)
    caplog.clear()
    images.load(here)
    assert "left out 1: bad.png" in caplog.text


def replaced_with_old_times(here):
    state = (here / "a.png").stat()
    paint(here / "a.png", BLUE)
    os.utime(here / "a.png", ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "colours"),
    [
        (lambda here: paint(here / "a.png", GREEN), [GREEN]),
        (lambda here: paint(here / "b.png", GREEN), [RED, GREEN]),
        (lambda here: (paint(here / "b.png", BLUE), (here / "a.png").unlink()), [BLUE]),
        (lambda here: (here / "a.png").rename(here / "z.png"), [RED]),
        (replaced_with_old_times, [BLUE]),
    ],
)
def test_a_change_is_seen(here, decoded, change, colours):
    paint(here / "a.png", RED)
    images.load(here)
    change(here)
    data = images.load(here)
    assert len(decoded) == 1 + len(colours)
    assert [mean_colour(data, k) for k in range(len(data))] == [list(colour) for colour in colours]


def test_settings_have_files_of_their_own_and_changes_take_the_old_place(here, tmp_path):
    paint(here / "a.png")
    for wishes in ({}, {"size": 32}, {"channels": 1}, {"size": 32}):
        images.load(here, kept_in=tmp_path / "kept", **wishes)
    assert len(list((tmp_path / "kept").iterdir())) == 3
    paint(here / "b.png")
    images.load(here, kept_in=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 3


def test_a_change_of_the_same_length_with_the_old_times_is_seen(here):
    state = paint(here / "a.bmp", RED).stat()
    images.load(here)
    os.utime(paint(here / "a.bmp", BLUE), ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (here / "a.bmp").stat().st_size == state.st_size
    assert mean_colour(images.load(here)) == list(BLUE)


def test_a_kept_file_comes_into_its_place_whole(here, monkeypatch):
    paint(here / "a.png")
    images.load(here)
    good = kept_file().read_bytes()
    paint(here / "b.png", GREEN)

    def fail(new, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", fail)
    assert len(images.load(here)) == 2
    assert kept_file().read_bytes() == good


def kept_file():
    (file,) = (cache.folder() / "pictures").iterdir()
    return file


@pytest.mark.parametrize("how", ["cut", "flipped", "emptied", "other"])
def test_a_damaged_kept_file_is_made_again(here, caplog, how):
    paint(here / "a.png", GREEN)
    images.load(here)
    file = kept_file()
    good = file.read_bytes()
    bad = bytearray(good)
    bad[-40] ^= 1
    file.write_bytes({"cut": good[:-20], "flipped": bytes(bad), "emptied": b"", "other": b"hello" * 50}[how])
    assert mean_colour(images.load(here)) == list(GREEN)
    assert "is damaged and will be made again" in caplog.text
    assert file.read_bytes() == good


def test_where_nothing_can_be_kept_the_pictures_are_there_all_the_same(here, tmp_path, caplog):
    paint(here / "a.png", GREEN)
    (tmp_path / "a file").write_text("x")
    assert mean_colour(images.load(here, kept_in=tmp_path / "a file")) == list(GREEN)
    assert "could not be kept" in caplog.text


def test_an_interrupted_write_leaves_the_old_file(here, monkeypatch, caplog):
    paint(here / "a.png")
    images.load(here)
    good = kept_file().read_bytes()
    paint(here / "b.png", GREEN)

    def fail(arrays, file, told):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "save_file", fail)
    assert len(images.load(here)) == 2
    assert "No space left on device" in caplog.text
    assert kept_file().read_bytes() == good


def test_what_the_system_could_not_read_is_tried_again(here, monkeypatch):
    paint(here / "a.png")
    paint(here / "b.png")
    real = Image.open

    def flaky(path, *args, **options):
        if path.name == "b.png":
            raise OSError(5, "Input/output error")
        return real(path, *args, **options)

    with monkeypatch.context() as once:
        once.setattr(Image, "open", flaky)
        assert left_out(images.load(here)) == {"b.png": "Input/output error"}
    assert images.load(here).skipped == ()


def test_the_platforms_place_for_caches(monkeypatch, tmp_path):
    for name in ("WGAN_COURSE_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cache.Path, "home", lambda: tmp_path)
    for platform, place in (("linux", ".cache"), ("darwin", "Library/Caches"), ("win32", "Local")):
        monkeypatch.setattr(cache.sys, "platform", platform)
        monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
        assert cache.folder() == tmp_path / place / "wgan-course"


def test_a_bar_is_shown_when_asked_for(here, capsys):
    paint(here / "a.png")
    images.load(here, progress=True)
    assert "decoding: 100%" in capsys.readouterr().err
    images.load(here, size=8, progress=False)
    assert capsys.readouterr().err == ""
