"""Pictures are well-formed XML whatever is written into them."""

from xml.etree import ElementTree

from offload.routing.svg import Svg

SPACE = "{http://www.w3.org/2000/svg}"


def test_shapes_stand_in_the_order_they_were_drawn() -> None:
    svg = Svg(100, 50)
    svg.line([(0, 0), (10.126, 5)], stroke="#123456", width=2)
    svg.dot(5, 5, radius=1.5, fill="red")
    svg.rect(1, 2, 3, 4, fill="blue")
    root = ElementTree.fromstring(svg.document())
    assert root.attrib["viewBox"] == "0 0 100 50"
    assert [shape.tag for shape in root] == [SPACE + name for name in ("rect", "polyline", "circle", "rect")]
    assert root[1].attrib["points"] == "0,0 10.13,5"
    assert (root[2].attrib["r"], root[3].attrib["width"]) == ("1.5", "3")


def test_text_is_escaped_and_cannot_break_the_file() -> None:
    svg = Svg(10, 10)
    svg.text(1, 2, "<b>&\"'\x00\x1b\ud800", anchor="end")
    text = ElementTree.fromstring(svg.document().encode())[1]
    assert text.text == "<b>&\"'"
    assert text.attrib["text-anchor"] == "end"
