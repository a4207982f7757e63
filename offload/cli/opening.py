"""Opening the model of a command, with its progress on standard error and Ctrl-C heeded."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from offload.cli.interrupt import Interrupt
from offload.cli.options import engine_config
from offload.cli.terminal import Terminal

if TYPE_CHECKING:
    from offload.engine import Engine


def open_shown(args: argparse.Namespace, terminal: Terminal, interrupt: Interrupt) -> "Engine":
    """Open the model that `args` name; the caller closes it. Raises as `engine.open_model` does."""
    from offload.engine import open_model

    label = f"loading {Path(args.model).name}" if args.model else "loading the demo model"

    def on_progress(fraction: float) -> bool:
        terminal.progress(label, fraction)
        return interrupt.go_on()

    engine = open_model(args.model, engine_config(args), on_progress=on_progress)
    terminal.clear_progress()
    return engine
