"""The picture of a report shows its loads and its hit rates."""

from xml.etree import ElementTree

import numpy as np

from fakes.routing_traces import ListTrace, decode_step, make_header, random_step
from offload.routing.figure import draw_report
from offload.routing.report import routing_report
from offload.routing.route_trace import Phase, RouteStep, TraceHeader

SPACE = "{http://www.w3.org/2000/svg}"


def drawn(header: TraceHeader, *steps: RouteStep) -> ElementTree.Element:
    return ElementTree.fromstring(draw_report(routing_report(ListTrace(header, steps))))


def texts(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SPACE}text")]


def test_a_row_for_each_layer_with_its_busiest_experts_first() -> None:
    header = make_header(1, 4, 2, has_weights=False)
    root = drawn(header, decode_step([2, 1]), decode_step([2, 3]))
    # Shares of 2, 1, 1 and 0 times an even one, over the whole width.
    row = [rect for rect in root.iter(f"{SPACE}rect") if rect.attrib["y"] == "90"]
    assert [(rect.attrib["x"], rect.attrib["width"]) for rect in row] == [("64", "208"), ("272", "416"), ("688", "208")]
    assert len({rect.attrib["fill"] for rect in row}) == 3


def test_the_curve_and_a_dot_for_each_number_of_slots() -> None:
    header = make_header(2, 16, 2, has_weights=False)
    random = np.random.default_rng(1)
    root = drawn(header, *(random_step(header, random) for _ in range(30)))
    curve = max((line.attrib["points"].split() for line in root.iter(f"{SPACE}polyline")), key=len)
    assert len(curve) == 16 - 2 + 1
    # One more explains them.
    assert len(list(root.iter(f"{SPACE}circle"))) == 5 + 1


def test_many_experts_are_drawn_in_few_columns() -> None:
    header = make_header(1, 1000, 10, has_weights=False)
    random = np.random.default_rng(1)
    root = drawn(header, *(random_step(header, random) for _ in range(30)))
    assert len(list(root.iter(f"{SPACE}rect"))) < 30


def test_without_decoded_tokens_the_picture_says_so() -> None:
    root = drawn(make_header(has_weights=False), decode_step([0, 1], [2, 3], phase=Phase.PREFILL))
    assert any("none was decoded" in text for text in texts(root))


def test_it_bears_the_model_s_name() -> None:
    root = drawn(make_header(has_weights=False), decode_step([0, 1], [2, 3]))
    assert texts(root)[0] == "Routing of made-up.gguf"
