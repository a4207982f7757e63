"""The pack card: shows how far packing is, and tells what was pressed."""

import pytest
from pytestqt.qtbot import QtBot

from offload_app.library.pack_card import PackCard
from offload_app.library.readings.pack import PackOffer, PackReading
from offload_app.theme import DARK, LIGHT


@pytest.fixture
def card(qtbot: QtBot) -> PackCard:
    """Return a card that shows nothing."""
    card = PackCard(LIGHT)
    qtbot.addWidget(card)
    return card


def test_with_nothing_to_pack_nothing_is_shown(card: PackCard) -> None:
    assert card.isHidden()


@pytest.mark.parametrize(
    ("offer", "text"),
    [(PackOffer.PACK, "&Pack"), (PackOffer.PACK_AGAIN, "&Pack again"), (PackOffer.CANCEL, "Cancel")],
)
def test_what_is_pressed_is_told(qtbot: QtBot, card: PackCard, offer: PackOffer, text: str) -> None:
    card.show_reading(PackReading("Words.", offer=offer, is_possible=True))
    assert card.button.text() == text
    with qtbot.waitSignal(card.wanted) as told:
        card.button.click()
    assert told.args == [offer]


def test_what_is_not_possible_cannot_be_pressed(card: PackCard) -> None:
    card.show_reading(PackReading("Words.", "No room.", PackOffer.PACK))
    assert not card.button.isEnabled()
    assert card.trouble.text() == "No room."
    assert card.button.accessibleDescription() == "Words. No room."


def test_progress_is_shown_while_there_is_some(card: PackCard) -> None:
    card.show_reading(PackReading("Packing", offer=PackOffer.CANCEL, is_possible=True, fraction=0.25))
    assert not card.progress.isHidden()
    assert card.progress.value() == 250
    card.show_reading(PackReading("Packed."))
    assert card.progress.isHidden()
    assert card.button.isHidden()


def test_trouble_is_in_the_colour_of_errors(card: PackCard) -> None:
    card.set_theme(DARK)
    assert DARK.error in card.trouble.styleSheet()
