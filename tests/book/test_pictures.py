"""The browser's choice between two drawings of a figure, in the HTML of a page."""

import re
from base64 import b64decode, b64encode
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tools.book.pictures import choose_by_width, lighten, lighten_site, offer_narrow
from wgan_course.figures import narrow

BODY = '<p>before</p><img alt="a curve" src="../_images/a1.png" /><img alt="b" src="../_images/b2.png" />'


def png(width):
    buffer = BytesIO()
    Figure((width, 1)).savefig(buffer, format="png")
    return buffer.getvalue()


@pytest.fixture
def sources(tmp_path):
    """One image with a narrow drawing inside, one without."""
    files = {"a1.png": narrow.attach(png(2), png(1)), "b2.png": png(2)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return {name: tmp_path / name for name in files}


def test_an_image_with_two_drawings_offers_both(sources, tmp_path):
    page = choose_by_width(BODY, sources, tmp_path / "out")
    offered = f'<picture><source media="{narrow.SCREEN}" srcset="../_images/narrow-a1.png"><img alt="a curve"'
    assert offered in page
    assert (tmp_path / "out" / "narrow-a1.png").read_bytes() == png(1)
    assert page.count("<picture>") == page.count("</picture>") == 1


def test_other_images_stay_as_they_are(sources, tmp_path):
    assert BODY.partition("</p>")[2].partition("/>")[2] in choose_by_width(BODY, sources, tmp_path)
    assert choose_by_width(BODY, {}, tmp_path) == BODY
    assert choose_by_width("<p>no image</p>", sources, tmp_path) == "<p>no image</p>"


def test_the_handler_changes_the_page_that_is_written(sources, tmp_path):
    images = {str(path): name for name, path in sources.items()}
    app = SimpleNamespace(builder=SimpleNamespace(images=images), outdir=tmp_path / "html", srcdir=tmp_path)
    context = {"body": BODY}
    offer_narrow(app, "page", "page.html", context, object())
    assert "narrow-a1.png" in context["body"]
    assert (tmp_path / "html" / "_images" / "narrow-a1.png").is_file()


def test_pages_without_a_source_are_left_alone(tmp_path):
    context = {"body": BODY}
    offer_narrow(SimpleNamespace(), "search", "search.html", context, None)
    assert context == {"body": BODY}
    offer_narrow(SimpleNamespace(), "search", "search.html", {}, object())


def drawing(width, height):
    buffer = BytesIO()
    Figure((width, height)).savefig(buffer, format="png")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("wide", "small", "caption", "kind"),
    [
        ((8, 4), (4, 8), "Left, a wave; right, none.", ' class="stacked sides"'),
        ((8, 4), (4, 8), "None (right), a wave (left)", ' class="stacked sides"'),
        ((8, 4), (4, 8), "Nothing is left.", ' class="stacked"'),
        ((8, 4), (4, 8), "Two waves upright.", ' class="stacked"'),
        ((8, 4), (4, 3), "The left end.", ""),
        ((4, 4), (4, 5), "The left end.", ""),
    ],
)
def test_captions_that_speak_of_left_and_right_are_marked(tmp_path, wide, small, caption, kind):
    (tmp_path / "c3.png").write_bytes(narrow.attach(drawing(*wide), drawing(*small)))
    body = f'<figure><img alt="c" src="_images/c3.png" /><figcaption><p>{caption}</p></figcaption></figure>'
    page = choose_by_width(body, {"c3.png": tmp_path / "c3.png"}, tmp_path)
    assert page.startswith(f"<figure><picture{kind}><source")


def test_a_caption_is_that_of_its_own_figure(tmp_path):
    (tmp_path / "c3.png").write_bytes(narrow.attach(drawing(8, 4), drawing(4, 8)))
    figure = '<figure><img src="_images/c3.png" /><figcaption>{}</figcaption></figure>'
    body = figure.format("one") + figure.format("left, right")
    page = choose_by_width(body, {"c3.png": tmp_path / "c3.png"}, tmp_path)
    assert page.count('class="stacked"') == 1
    assert page.index('class="stacked"') < page.index('class="stacked sides"')


@pytest.fixture
def site(tmp_path):
    """A page with a picture in two drawings and one of another kind; a picture of an earlier build, a map, fonts."""
    for name in ("one", "_static/scripts", "_images"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("a.png", "narrow-a.png", "gone.png"):
        (tmp_path / "_images" / name).write_bytes(drawing(3, 2))
    empty = ("_images/still.webp", "_images/old.webp", "_static/scripts/x.js", "_static/scripts/x.js.map")
    fonts = ("_static/two.woff2", "_static/two.ttf", "_static/one.ttf")
    for name in (*empty, *fonts):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "one" / "page.html").write_text(
        '<source srcset="../_images/narrow-a.png"><a href="../_images/a.png"><img src="../_images/a.png"></a>'
        f'<script>{{"value": "<img src=data:image/png;base64,{b64encode(drawing(3, 2)).decode()}>"}}</script>'
        '<img src="../_images/still.webp"><img src="https://elsewhere/_images/far.png">'
    )
    return tmp_path


def test_pictures_become_smaller_and_keep_every_pixel(site):
    with Image.open(site / "_images" / "a.png") as picture:
        before, size = np.asarray(picture), (site / "_images" / "a.png").stat().st_size
    lighten_site(site)
    page = (site / "one" / "page.html").read_text("utf-8")
    assert page.count("../_images/a.webp") == 2
    assert page.count("../_images/narrow-a.webp") == page.count("../_images/still.webp") == 1
    assert "elsewhere/_images/far.png" in page
    with Image.open(site / "_images" / "a.webp") as picture:
        assert np.array_equal(np.asarray(picture.convert("RGBA")), before)
    assert (site / "_images" / "a.webp").stat().st_size < size / 2
    with Image.open(BytesIO(b64decode(re.search(r"data:image/webp;base64,([^>]+)>", page)[1]))) as picture:
        assert np.array_equal(np.asarray(picture.convert("RGBA")), before)
    assert "image/png" not in page


def test_what_no_page_shows_goes(site):
    lighten_site(site)
    assert {file.name for file in (site / "_images").iterdir()} == {"a.webp", "narrow-a.webp", "still.webp"}
    assert [file.name for file in (site / "_static" / "scripts").iterdir()] == ["x.js"]
    assert {file.name for file in (site / "_static").glob("*.*")} == {"two.woff2", "one.ttf"}


def test_a_page_that_is_written_again_gets_its_picture_again(site):
    lighten_site(site)
    (site / "_images" / "a.png").write_bytes(drawing(5, 2))  # as Sphinx copies it for a page that it writes
    (site / "one" / "page.html").write_text('<img src="../_images/a.png">')
    lighten_site(site)
    assert (site / "one" / "page.html").read_text("utf-8") == '<img src="../_images/a.webp">'
    with Image.open(site / "_images" / "a.webp") as picture:
        assert picture.size == (500, 200)


def test_only_a_build_that_ended_well_is_made_lighter(site):
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=site)
    lighten(app, RuntimeError())
    assert (site / "_images" / "gone.png").is_file()
    lighten(app, None)
    assert not (site / "_images" / "gone.png").is_file()
