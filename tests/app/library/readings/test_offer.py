"""The offer of a model: what is said before it comes, and what can be done."""

from dataclasses import replace

import pytest

from fakes.model_shelf import summary
from fakes.scripted_models import CATALOG, GIB, OFFER
from offload.protocol import CatalogEntry, ModelOffer
from offload.protocol_errors import ErrorReport
from offload_app.gauges.readings.language import Language
from offload_app.library.download import Download, DownloadState
from offload_app.library.lookup import Lookup
from offload_app.library.readings.offer import (
    OfferDeed,
    Surroundings,
    catalog_words,
    read_entry_offer,
    read_typed_offer,
)

ENGLISH = Language()
ENTRY = CatalogEntry(**CATALOG[1])
AROUND = Surroundings("/m/other/Middle-GGUF", 100 * GIB)
HUB = ModelOffer(**OFFER)
DOWNLOAD = Download(ENTRY.name, "/m", ENTRY.title, DownloadState.PAUSED, 6 * GIB, 18 * GIB)


def test_an_entry_says_what_it_takes_and_where_it_goes() -> None:
    reading = read_entry_offer(ENTRY, AROUND, ENGLISH)
    assert reading.title == "Middle MoE"
    assert reading.room == "Download: 18.0 GB; 100 GB are free."
    assert reading.place == "/m/other/Middle-GGUF"
    assert reading.licence == "Licence: MIT"
    assert reading.source == "The repository's file list."
    assert "128 experts, 8 used" in reading.facts
    assert (reading.deed, reading.is_possible) == (OfferDeed.DOWNLOAD, True)


def test_a_size_that_was_rounded_is_said_to_be_about_so() -> None:
    assert "about 18.0 GB" in read_entry_offer(replace(ENTRY, is_exact=False), AROUND, ENGLISH).room


def test_without_room_nothing_can_be_begun_and_both_numbers_are_said() -> None:
    reading = read_entry_offer(ENTRY, replace(AROUND, free_bytes=10 * GIB), ENGLISH)
    assert not reading.is_possible
    assert "18.1 GB are needed, 10.0 GB are free" in reading.trouble


def test_what_has_come_already_needs_no_room() -> None:
    around = replace(AROUND, free_bytes=13 * GIB, download=DOWNLOAD)
    reading = read_entry_offer(ENTRY, around, ENGLISH)
    assert (reading.deed, reading.is_possible, reading.trouble) == (OfferDeed.RESUME, True, "")
    assert reading.room == "Download: 18.0 GB, of which 6.0 GB are here; 13.0 GB are free."


def test_where_the_system_does_not_say_what_is_free_it_is_tried() -> None:
    reading = read_entry_offer(ENTRY, replace(AROUND, free_bytes=None), ENGLISH)
    assert (reading.room, reading.is_possible) == ("Download: 18.0 GB.", True)


def test_what_is_under_way_is_not_begun_again() -> None:
    around = replace(AROUND, download=replace(DOWNLOAD, state=DownloadState.RUNNING))
    assert read_entry_offer(ENTRY, around, ENGLISH).deed is OfferDeed.NOTHING


def test_what_is_here_is_shown() -> None:
    reading = read_entry_offer(ENTRY, replace(AROUND, path="/m/other/Middle-GGUF/x.gguf"), ENGLISH)
    assert (reading.deed, reading.path) == (OfferDeed.SHOW, "/m/other/Middle-GGUF/x.gguf")


@pytest.mark.parametrize(
    ("lookup", "deed", "is_possible", "text"),
    [
        (None, OfferDeed.LOOK_UP, True, "Not in the catalogue"),
        (Lookup("u/r"), OfferDeed.LOOK_UP, False, "Asking the hub"),
        (
            Lookup("u/r", refusal=ErrorReport("HubError", "There is no u/r.", "Check it.")),
            OfferDeed.LOOK_UP,
            True,
            "There is no u/r. Check it.",
        ),
        (Lookup("u/r", HUB), OfferDeed.DOWNLOAD, True, "4.0 GB; 100 GB are free"),
        (Lookup("u/r", replace(HUB, there_bytes=GIB)), OfferDeed.DOWNLOAD, True, "of which 1.0 GB are here"),
        (Lookup("u/r", replace(HUB, is_there=True)), OfferDeed.SHOW, True, "It is here."),
    ],
)
def test_a_typed_name_is_looked_up_before_it_is_offered(
    lookup: Lookup | None, deed: OfferDeed, is_possible: bool, text: str
) -> None:
    reading = read_typed_offer("u/r", lookup, AROUND, ENGLISH)
    assert (reading.deed, reading.is_possible) == (deed, is_possible)
    assert text in f"{reading.news} {reading.trouble} {reading.room}"


def test_what_is_not_here_may_be_asked_about_whether_it_can_be_downloaded_or_not() -> None:
    coming = replace(AROUND, download=replace(DOWNLOAD, state=DownloadState.RUNNING))
    for around in (AROUND, replace(AROUND, free_bytes=GIB), coming):
        assert read_entry_offer(ENTRY, around, ENGLISH).can_fit
    assert not read_entry_offer(ENTRY, replace(AROUND, path="/m/x.gguf"), ENGLISH).can_fit


def test_a_typed_name_may_be_asked_about_once_the_hub_has_it() -> None:
    refusal = ErrorReport("HubError", "There is no u/r.")
    lookups = (None, Lookup("u/r"), Lookup("u/r", refusal=refusal), Lookup("u/r", HUB))
    assert [read_typed_offer("u/r", lookup, AROUND, ENGLISH).can_fit for lookup in lookups] == [False] * 3 + [True]


def test_what_the_header_says_is_told_of_a_typed_name() -> None:
    around = replace(AROUND, summary=summary())
    assert "128 experts, 8 used" in read_typed_offer("u/r", Lookup("u/r", HUB), around, ENGLISH).facts


def test_an_empty_list_says_why() -> None:
    refusal = ErrorReport("OffloadError", "The catalogue is not installed.", "Install again.")
    assert catalog_words(3, None, "", ENGLISH) == ""
    assert catalog_words(0, None, "", ENGLISH) == "Reading the catalogue…"
    assert "USER/REPO" in catalog_words(0, None, "xyz", ENGLISH)
    assert catalog_words(0, refusal, "xyz", ENGLISH) == "The catalogue is not installed. Install again."
