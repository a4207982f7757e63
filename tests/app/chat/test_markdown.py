"""Markdown that is safe to show."""

from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QFont, QImage, QTextDocument
from pytestqt.qtbot import QtBot

from offload_app.chat.fitted_text import FittedText
from offload_app.chat.markdown import append_paragraph, is_link, markdown_document, plain_document
from offload_app.theme import LIGHT


def shown(text: str) -> QTextDocument:
    return markdown_document(text, LIGHT, QFont())


def has_images(document: QTextDocument) -> bool:
    return "\ufffc" in document.toPlainText() or "<img" in document.toHtml()


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    "text", ["<b>bold</b>", "<script>alert(1)</script>", "a <img src='http://x/y.png'> b", "<!-- c -->"]
)
def test_html_is_shown_as_text(text: str) -> None:
    assert shown(text).toPlainText() == text


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    "text", ["![cat](http://x/y.png)", "![cat][r]\n\n[r]: http://x/y.png", "[![cat](http://x/y.png)](http://z)"]
)
def test_an_image_becomes_words(text: str) -> None:
    document = shown(text)
    assert not has_images(document)
    assert document.toPlainText() == "[cat] http://x/y.png"


def test_nothing_is_loaded_for_an_image(qtbot: QtBot, tmp_path: Path) -> None:
    picture = QImage(300, 300, QImage.Format.Format_RGB32)
    picture.fill(QColor("#ff0000"))
    assert picture.save(str(tmp_path / "p.png"))
    view = FittedText(LIGHT)
    qtbot.addWidget(view)
    asked: list[object] = []
    view.loadResource = lambda type, name: asked.append(name)  # type: ignore[method-assign]
    view.show_document(shown(f"![p]({tmp_path / 'p.png'}) ![q](http://x/y.png)"))
    view.resize(600, 400)
    view.show()
    image = view.grab().toImage()
    assert asked == []
    assert not any(QColor(image.pixel(x, y)) == QColor("#ff0000") for x in range(600) for y in range(0, 40, 5))


def test_a_resource_that_is_asked_for_all_the_same_is_empty(qtbot: QtBot) -> None:
    view = FittedText(LIGHT)
    qtbot.addWidget(view)
    found = view.loadResource(QTextDocument.ResourceType.ImageResource.value, "http://x/y.png")
    assert isinstance(found, QImage)
    assert found.width() == 1


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "JavaScript:x", "file:///etc/passwd", "data:text/html,x", "x.md"]
)
def test_a_link_that_may_not_be_opened_is_text(address: str) -> None:
    document = shown(f"before [here]({address}) after")
    assert document.toPlainText() == "before here after"
    assert "<a " not in document.toHtml()
    assert not is_link(address)


@pytest.mark.usefixtures("qapp")
def test_a_link_to_the_web_stays_one() -> None:
    assert 'href="https://example.org/a"' in shown("[here](https://example.org/a)").toHtml()


def test_a_click_on_a_link_opens_nothing_and_is_told(qtbot: QtBot) -> None:
    view = FittedText(LIGHT)
    qtbot.addWidget(view)
    view.show_document(shown("[here](https://example.org/a)"))
    before = view.toPlainText()
    with qtbot.waitSignal(view.link_clicked) as told:
        view.anchorClicked.emit("https://example.org/a")
    assert told.args == ["https://example.org/a"]
    view.anchorClicked.emit("javascript:alert(1)")
    assert view.toPlainText() == before


@pytest.mark.usefixtures("qapp")
def test_plain_text_is_shown_as_it_is() -> None:
    text = "# no *heading*\n<b>\n\n  two"
    assert plain_document(text, QFont()).toPlainText() == text


@pytest.mark.usefixtures("qapp")
def test_a_paragraph_that_grows_follows_markdown() -> None:
    document = shown("**one**")
    append_paragraph(document, "`two")
    assert document.toPlainText() == "one\n`two"


@pytest.mark.usefixtures("qapp")
def test_headings_differ_in_size() -> None:
    def size(text: str) -> float:
        return max(f.toCharFormat().fontPointSize() for f in shown(text).allFormats() if f.isCharFormat())

    assert size("# one") > size("## one") > size("### one") > 0
