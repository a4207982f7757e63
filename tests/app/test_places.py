"""Where everything of a user is kept."""

from pathlib import Path

from offload_app.places import Places


def test_settings_lie_in_the_folder_of_settings_and_what_was_said_in_that_of_data() -> None:
    places = Places(Path("/config"), Path("/data"), Path("/state"))
    assert places.settings == Path("/config/app.json")
    assert places.conversations.parent == Path("/data")
    assert places.log.parent == Path("/state")


def test_the_places_of_a_user_are_named_after_the_program() -> None:
    places = Places.of_user()
    assert all("offload" in str(folder) for folder in (places.config, places.data, places.state))
