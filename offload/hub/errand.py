"""`run_errand`: items that come from a network, made in a thread of its own, so that nobody has to wait for them.

A read of a socket cannot be called off, and neither can looking up a name or waiting for an answer. Who stops wanting
the items just leaves: the thread notices when the network lets go of it, which is by its timeout at the latest, and it
holds nothing but its connection meanwhile.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")
_AHEAD = 4
"""Items made before they are wanted: the network goes on while the disk is written to."""
_LOOK_SECONDS = 0.2


class _End:
    """The errand is done, or failed with `error`."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def run_errand(
    make: Callable[[], Generator[_Item, None, None]], while_waiting: Callable[[], None]
) -> Generator[_Item, None, None]:
    """Yield what `make` yields in another thread, and raise what it raises; calls `while_waiting` while nothing comes.

    An exception of `while_waiting`, and closing the generator, end the errand for the caller at once. `make` is closed
    in the thread it ran in. Items come in their order; those that nobody took are lost.
    """
    items: queue.Queue[_Item | _End] = queue.Queue(_AHEAD)
    left = threading.Event()
    # A daemon: a process ends without waiting for a network.
    threading.Thread(target=_work, args=(make, items, left), name="offload-hub", daemon=True).start()
    try:
        while True:
            try:
                item = items.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                while_waiting()
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        left.set()
        while not items.empty():
            items.get_nowait()


def _work(
    make: Callable[[], Generator[_Item, None, None]], items: "queue.Queue[_Item | _End]", left: threading.Event
) -> None:
    try:
        made = make()
        try:
            _hand_over(made, items, left)
        finally:
            made.close()
    except BaseException as error:
        # The border of the thread: it is raised again where the items are waited for.
        end = _End(error)
    else:
        end = _End()
    if not left.is_set():
        items.put(end)


def _hand_over(made: Iterator[_Item], items: "queue.Queue[_Item | _End]", left: threading.Event) -> None:
    for item in made:
        if left.is_set():
            return
        # Who leaves while this waits empties the queue, so there is room again.
        items.put(item)
