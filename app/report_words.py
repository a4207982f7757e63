"""A report in words: what failed and what to do, with the preferences' names where a command line has options.

Pure functions; any thread.
"""

from offload.protocol_errors import ErrorReport

_IN_A_WINDOW = (
    ("-c (context) or -ub (batch)", "the context"),
    ("on the CPU with --device cpu", "on the CPU (Preferences)"),
    ("with --models-dir", "in the preferences"),
    ("as in --vram 6G", "such as 6G"),
    ("--memory", "the memory budget"),
    ("--vram", "the GPU memory budget"),
)
"""What hints say for a terminal, and what it is called here; a batch has the size it has."""


def report_words(report: ErrorReport) -> str:
    """Return what failed and what to do, in one line of sentences."""
    hint = report.hint
    for option, name in _IN_A_WINDOW:
        hint = hint.replace(option, name)
    return f"{report.message} {hint}".strip()
