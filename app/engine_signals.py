"""The engine's signals: everything that an engine client tells, for the client and for what stands in its place."""

from PySide6.QtCore import QObject, Signal


class EngineSignals(QObject):
    """What is told of a worker and its model; each value is a frozen dataclass."""

    state_changed = Signal(object)
    """EngineState; comes before the signal that tells why."""
    hello = Signal(object)
    """`protocol.Hello`: the worker may be asked."""
    loading = Signal(float)
    """Fraction of 1."""
    loaded = Signal(object)
    """`protocol.Loaded`."""
    tokens = Signal(object)
    """Tokens: the next piece of the answer."""
    stats = Signal(object)
    """`protocol.StatsEvent`, for each poll that was sent."""
    done = Signal(object)
    """`protocol.Done`: the answer is complete, or was stopped."""
    failed = Signal(object)
    """Failure of a load, generation or unload."""
    unloaded = Signal()
    unresponsive = Signal(float)
    """Seconds that a stop or a poll has not been answered; the worker is left alone, `kill` ends it."""
    died = Signal(object)
    """Death."""
    shut_down = Signal()
    """There is no worker, as was asked."""
