"""The pack card's reading."""

from fakes.model_shelf import shelved, summary
from fakes.scripted_models import GIB
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.library.readings.pack import PackOffer, PackReading, read_pack
from offload_app.library.shelf import ShelvedModel

LANGUAGE = Language()


def read(free_bytes: int | None = 20 * GIB, model: ShelvedModel | None = None, **fields: object) -> PackReading:
    return read_pack(model or shelved(summary=summary(**fields)), free_bytes, LANGUAGE)


def test_packing_is_offered_with_what_it_brings_and_takes() -> None:
    reading = read()
    assert (reading.offer, reading.is_possible, reading.trouble) == (PackOffer.PACK, True, "")
    assert "answers come faster" in reading.text
    assert reading.text.endswith("It takes up to 6.0 GB beside the model; 20.0 GB are free.")


def test_without_room_it_is_said_and_not_begun() -> None:
    reading = read(3 * GIB)
    assert reading.trouble == "There is no room: 6.1 GB are needed, 3.0 GB are free. Make room first."
    assert not reading.is_possible


def test_where_room_is_not_known_it_is_tried() -> None:
    assert read(None).is_possible
    assert read(None).text.endswith("6.0 GB beside the model.")


def test_a_packed_model_says_how_much_its_store_takes() -> None:
    reading = read(pack_state="ready", packed_bytes=5 * GIB)
    assert reading.offer is PackOffer.NOTHING
    assert "takes 5.0 GB" in reading.text


def test_a_stale_store_is_packed_again() -> None:
    reading = read(pack_state="stale", packed_bytes=5 * GIB)
    assert (reading.offer, reading.is_possible) == (PackOffer.PACK_AGAIN, True)
    assert "is not used" in reading.text


def test_while_it_is_packed_it_can_be_cancelled() -> None:
    reading = read(model=shelved(pack_fraction=0.5))
    assert (reading.offer, reading.fraction) == (PackOffer.CANCEL, 0.5)
    assert reading.text == "Packing: 50 %. The chat goes on meanwhile."


def test_why_the_last_packing_failed_is_said() -> None:
    model = shelved(pack_refusal=ErrorReport("DiskFullError", "The disk is full.", "Make room."))
    assert read(model=model).trouble == "The disk is full. Make room."


def test_dense_and_unknown_models_have_nothing_to_pack() -> None:
    assert read(pack_state="dense") == PackReading()
    assert read(model=shelved(summary=None)) == PackReading()
