"""How much room there is, also where a folder is not there yet."""

from pathlib import Path

from offload_app.library.free_room import free_bytes_at


def test_a_folder_that_is_not_there_yet_has_the_room_of_the_one_above(tmp_path: Path) -> None:
    free = free_bytes_at(str(tmp_path))
    assert free is not None
    assert free > 0
    deep = free_bytes_at(str(tmp_path / "a" / "b" / "c"))
    assert deep is not None
    assert abs(deep - free) < 1 << 30
