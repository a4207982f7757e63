"""What an answer took: from the statistics, and as JSON."""

import json

import pytest

from offload.protocol import Done, FinishReason, GenerationParams, Loaded, MemoryUse, PagingUse, Speed, Stats
from offload_app.receipt import Receipt, dump_receipt, read_receipt, receipt_of

LOADED = Loaded(1, "/models/m.gguf", "a model", 4096, "packed", True, {}, ())
BEFORE = Stats(paging=PagingUse(hits=100, misses=50, bytes_read=1000, bytes_prefetched=10, stall_seconds=2.0))
AFTER = Stats(
    memory=MemoryUse(budget_bytes=6_000, peak_bytes=5_000),
    paging=PagingUse(hits=190, misses=60, bytes_read=1500, bytes_prefetched=15, stall_seconds=2.5),
    speed=Speed(7, 3, 20, 0.5, 4.0, 0.75),
)
SETTINGS = GenerationParams(temperature=0.1, stop=("x",))


def receipt() -> Receipt:
    return receipt_of(Done(2, FinishReason.CANCELLED, AFTER), LOADED, SETTINGS, BEFORE)


def test_a_receipt_counts_from_before_the_answer() -> None:
    taken = receipt()
    assert (taken.hits, taken.misses, taken.hit_rate) == (90, 10, 0.9)
    assert (taken.bytes_read, taken.bytes_prefetched, taken.stall_seconds) == (500, 5, 0.5)


def test_the_first_answer_counts_from_nothing() -> None:
    assert receipt_of(Done(2, FinishReason.STOP, AFTER), LOADED, SETTINGS).hits == 190


def test_a_receipt_names_model_speed_memory_and_settings() -> None:
    taken = receipt()
    assert (taken.model, taken.store, taken.n_ctx) == ("/models/m.gguf", "packed", 4096)
    assert (taken.tokens_per_second, taken.first_token_seconds) == (5.0, 0.75)
    assert (taken.n_prompt, taken.n_cached, taken.n_generated) == (7, 3, 20)
    assert (taken.peak_bytes, taken.budget_bytes) == (5_000, 6_000)
    assert (taken.finish_reason, taken.settings) == (FinishReason.CANCELLED, SETTINGS)


def test_without_experts_and_tokens_there_are_no_rates() -> None:
    taken = receipt_of(Done(2, FinishReason.STOP, Stats()), LOADED, SETTINGS)
    assert (taken.hit_rate, taken.tokens_per_second) == (None, 0.0)


def test_a_receipt_comes_back_from_json() -> None:
    assert read_receipt(dump_receipt(receipt())) == receipt()


def changed(**fields: object) -> str:
    return json.dumps({**json.loads(dump_receipt(receipt())), **fields})


def test_whole_seconds_are_read_as_seconds() -> None:
    read = read_receipt(changed(decode_seconds=4))
    assert read == receipt()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version":1}',
        changed(version=2),
        changed(hits="many"),
        changed(hits=True),
        changed(finish_reason="bored"),
        changed(settings={"warmth": 1}),
    ],
)
def test_a_receipt_that_cannot_be_read_is_none(text: str) -> None:
    assert read_receipt(text) is None
