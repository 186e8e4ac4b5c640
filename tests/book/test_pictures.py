"""The browser's choice between two drawings of a figure, in the HTML of a page."""

from io import BytesIO
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from tools.book.pictures import choose_by_width, offer_narrow
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
        ((8, 4), (4, 8), "Left, a wave.", ' class="stacked sides"'),
        ((8, 4), (4, 8), "A wave (right)", ' class="stacked sides"'),
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
    page = choose_by_width(figure.format("one") + figure.format("left"), {"c3.png": tmp_path / "c3.png"}, tmp_path)
    assert page.count('class="stacked"') == 1
    assert page.index('class="stacked"') < page.index('class="stacked sides"')
