"""Which contexts are offered."""

import pytest

from offload_app.gauges.readings.language import Language
from offload_app.library.readings.context_choices import context_choices


@pytest.mark.parametrize(
    ("length", "chosen", "counts"),
    [
        (8192, 0, [0, 2048, 4096, 8192]),
        (10000, 0, [0, 2048, 4096, 8192, 10000]),
        (8192, 3000, [0, 2048, 3000, 4096, 8192]),
        (512, 0, [0, 512]),
        (0, 0, [0]),
    ],
)
def test_powers_of_two_up_to_the_model_s_own_are_offered(length: int, chosen: int, counts: list[int]) -> None:
    assert [choice.n_ctx for choice in context_choices(length, chosen, Language())] == counts


@pytest.mark.parametrize(("length", "text"), [(32768, "Automatic (4,096)"), (2048, "Automatic (2,048)")])
def test_automatic_says_what_it_comes_to(length: int, text: str) -> None:
    assert context_choices(length, 0, Language())[0].text == text
