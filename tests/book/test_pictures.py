"""The browser's choice between two drawings of a figure, in the HTML of a page."""

from io import BytesIO
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from wgan_course import narrow
from wgan_course.book.pictures import choose_by_width, offer_narrow

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
