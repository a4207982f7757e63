"""The reading of a receipt."""

from dataclasses import replace

from offload.protocol import FinishReason, GenerationParams
from offload_app.chat.receipt_reading import read_rows, read_summary
from offload_app.gauges.readings.language import Language
from offload_app.receipt import Receipt

MB, GB = 1 << 20, 1 << 30
RECEIPT = Receipt(
    model="/m/qwen.gguf",
    store="gguf",
    n_ctx=4096,
    n_prompt=30,
    n_cached=12,
    n_generated=200,
    prompt_seconds=1.0,
    decode_seconds=16.0,
    first_token_seconds=1.25,
    hits=87,
    misses=13,
    bytes_read=123 * MB,
    bytes_prefetched=0,
    stall_seconds=0.4,
    peak_bytes=5 * GB,
    budget_bytes=6 * GB,
    finish_reason=FinishReason.STOP,
    settings=GenerationParams(),
)


def test_the_summary_has_speed_and_hits() -> None:
    assert read_summary(RECEIPT, Language()) == "12.5 tokens/s · 87 % hits"


def test_the_rows_say_what_the_answer_took() -> None:
    rows = {row.label: row.value for row in read_rows(RECEIPT, Language())}
    assert rows == {
        "Model": "qwen.gguf",
        "Speed": "12.5 tokens/s",
        "First token after": "1.2 s",
        "Answer": "200 tokens",
        "Question": "30 tokens, and 12 found in the context",
        "Experts found in memory": "87 %",
        "Read from disk": "123 MB",
        "Waited for the disk": "400 ms",
        "Peak memory": "5.0 of 6.0 GB",
        "Settings": "Balanced: temperature 0.80, top-k 40, top-p 0.95, min-p 0.05",
        "Ended because": "the model was done",
    }


def test_a_dense_model_has_no_rows_of_experts() -> None:
    labels = {row.label for row in read_rows(replace(RECEIPT, hits=0, misses=0), Language())}
    assert "Experts found in memory" not in labels
    assert "Read from disk" not in labels


def test_an_answer_without_tokens_has_a_summary_all_the_same() -> None:
    nothing = replace(RECEIPT, hits=0, misses=0, n_generated=0, decode_seconds=0.0)
    assert read_summary(nothing, Language()) == "Receipt"
