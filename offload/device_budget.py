"""`device_budget`: what `--vram` comes to on a device."""

from offload.bytesize import format_bytes, parse_memory
from offload.errors import UsageError

LEFT_BYTES = 512 << 20
LEFT_SHARE = 0.1
"""What `auto` leaves of what is free: the larger of the two. The driver, kernels that make copies of what they
multiply, and the windows on the screen take memory that no plan of ours knows of, and a device that has none left fails
instead of swapping. The share is for the large ones, whose kernels work on larger pieces and whose allocator rounds up
more."""
SHARED_SHARE = 0.5
"""Of the process's budget, what `auto` is at most on a device without memory of its own: both are the same memory."""


def device_budget(vram: str | int, *, total_bytes: int, free_bytes: int, process_bytes: int | None = None) -> int:
    """Return the bytes that `vram` names of a device's memory: a number, `6G`, `80%` of all of it, or `auto`.

    `process_bytes`: the budget of the process's memory where the device's is the same; None: it has its own.

    Raises:
        UsageError: `vram` is no such thing, more than the device has, or the device does not tell what it has.
    """
    check_vram(vram)
    text = vram if isinstance(vram, int) else vram.strip().lower()
    if text == "auto" or (isinstance(text, str) and text.endswith("%")):
        _check_told(total_bytes)
    if text == "auto":
        left = max(LEFT_BYTES, round(LEFT_SHARE * free_bytes))
        n_bytes = max(0, free_bytes - left)
        return n_bytes if process_bytes is None else min(n_bytes, int(SHARED_SHARE * process_bytes))
    n_bytes = text if isinstance(text, int) else parse_memory(text, total_bytes)
    if n_bytes > total_bytes > 0:
        raise UsageError(
            f"A budget of {format_bytes(n_bytes)} makes no sense: the device has {format_bytes(total_bytes)}.",
            hint="Lower --vram, or leave it out.",
        )
    return n_bytes


def check_vram(vram: str | int) -> None:
    """Refuse what names no budget on any device, also where none is used.

    Raises:
        UsageError: `vram` is no size, share or `auto`.
    """
    if isinstance(vram, str) and vram.strip().lower() != "auto":
        parse_memory(vram, 0)
    elif isinstance(vram, int) and vram < 0:
        raise UsageError(f"A budget of {vram} bytes makes no sense.", hint="Give a size, as in --vram 6G.")


def _check_told(total_bytes: int) -> None:
    if not total_bytes:
        raise UsageError("The device does not tell how much memory it has.", hint="Give a size, as in --vram 6G.")
