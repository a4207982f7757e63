"""The look of the chat: the style sheet of its parts, made from a theme; pure."""

from offload_app.theme import SIZES, Theme

SCROLL_BAR = 11
"""Width in pixels."""


def chat_style(theme: Theme) -> str:
    """Return the style sheet for the page of the chat and the list of conversations."""
    return f"""
#chatPage, #transcript, #transcriptContent {{ background: {theme.surface}; }}
#conversationList {{ background: {theme.window}; }}
QLabel {{ color: {theme.text}; background: transparent; }}
#role {{ color: {theme.muted}; font-weight: 600; }}
#muted, #codeLanguage, #hint {{ color: {theme.muted}; }}
#failure {{ color: {theme.error}; }}
#title {{ font-weight: 600; }}
#greeting {{ color: {theme.text}; font-weight: 600; font-size: 20px; }}
#message {{ background: transparent; border: {SIZES.focus_line}px solid transparent; border-radius: {SIZES.radius}px; }}
#message:focus {{ border-color: {theme.accent}; }}
#question {{ background: {theme.raised}; border-radius: 12px; }}
#answer {{ background: transparent; }}
#code {{ background: {theme.code}; border: 1px solid {theme.border}; border-radius: {SIZES.radius}px; }}
QPlainTextEdit#codeText {{
    color: {theme.text}; background: {theme.code}; border: none;
    selection-background-color: {theme.selection}; selection-color: {theme.text};
}}
#receipt {{ background: {theme.window}; border: 1px solid {theme.border}; border-radius: {SIZES.radius}px; }}
#notice {{ background: {theme.raised}; border: 1px solid {theme.warning}; border-radius: {SIZES.radius}px; }}
#header {{ background: {theme.surface}; border: none; border-bottom: 1px solid {theme.border}; }}
QPushButton#quiet {{
    color: {theme.muted}; background: transparent; padding: 3px 8px;
    border: 1px solid transparent; border-radius: {SIZES.radius}px;
}}
QPushButton#quiet:hover {{ color: {theme.text}; background: {theme.track}; }}
QPushButton#quiet:checked {{ color: {theme.text}; background: {theme.track}; }}
QPushButton#quiet:focus {{ border-color: {theme.accent}; color: {theme.text}; }}
QPushButton#quiet:disabled {{ color: {theme.border}; }}
QPushButton#primary {{
    color: {theme.on_accent}; background: {theme.accent}; padding: 7px 18px; font-weight: 600;
    border: {SIZES.focus_line}px solid {theme.accent}; border-radius: {SIZES.radius + 2}px;
}}
QPushButton#primary:focus {{ border-color: {theme.text}; }}
QPushButton#primary:disabled {{ color: {theme.muted}; background: {theme.track}; border-color: {theme.track}; }}
#composer {{ background: {theme.surface}; border: 1px solid {theme.border}; border-radius: 12px; }}
#composer[active="true"] {{ border: 1px solid {theme.accent}; }}
QPlainTextEdit#input, QPlainTextEdit#prompt {{
    color: {theme.text}; background: transparent; border: none; selection-background-color: {theme.selection};
    selection-color: {theme.text};
}}
QPlainTextEdit#prompt {{ background: {theme.surface}; border: 1px solid {theme.border}; border-radius: 6px; }}
QPlainTextEdit#prompt:focus {{ border-color: {theme.accent}; }}
QLineEdit {{
    color: {theme.text}; background: {theme.surface}; padding: 6px 8px; border-radius: {SIZES.radius}px;
    border: 1px solid {theme.border}; selection-background-color: {theme.selection}; selection-color: {theme.text};
}}
QLineEdit:focus {{ border-color: {theme.accent}; }}
QComboBox {{
    color: {theme.text}; background: {theme.surface}; selection-background-color: {theme.selection};
}}
QComboBox QAbstractItemView {{
    color: {theme.text}; background: {theme.surface}; border: 1px solid {theme.border};
    selection-background-color: {theme.selection}; selection-color: {theme.text};
}}
QListView#conversations {{ background: transparent; border: none; outline: none; color: {theme.text}; }}
""" + _scroll_bars(theme)


def _scroll_bars(theme: Theme) -> str:
    return f"""
QScrollBar {{ background: transparent; border: none; margin: 0; }}
QScrollBar:vertical {{ width: {SCROLL_BAR}px; }}
QScrollBar:horizontal {{ height: {SCROLL_BAR}px; }}
QScrollBar::handle {{ background: {theme.border}; border-radius: 4px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 36px; }}
QScrollBar::handle:horizontal {{ min-width: 36px; }}
QScrollBar::handle:hover {{ background: {theme.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
