"""The look of the page of models: the style sheet of its parts, made from a theme; pure."""

from offload_app.chat.style import chat_style
from offload_app.theme import SIZES, Theme


def library_style(theme: Theme) -> str:
    """Return the style sheet for the page of models: as the chat's, and its cards."""
    return (
        chat_style(theme)
        + f"""
#modelPage, #modelDetail, #modelDetailContent {{ background: {theme.surface}; }}
#pageTitle {{ font-weight: 600; font-size: 16px; }}
#modelTitle {{ font-weight: 600; font-size: 18px; }}
#strong {{ font-weight: 600; }}
#card {{ background: {theme.surface}; border: 1px solid {theme.border}; border-radius: {SIZES.radius}px; }}
#modelPage QListView {{ background: transparent; border: none; outline: none; color: {theme.text}; }}
#modelPage QSplitter::handle {{ background: {theme.border}; }}
QPushButton:disabled {{ color: {theme.muted}; }}
QCheckBox {{ color: {theme.text}; spacing: {SIZES.small_gap + 2}px; }}
QCheckBox:focus {{ color: {theme.accent}; }}
"""
    )
