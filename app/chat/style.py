"""The look of the chat: the style sheet of the parts it named, made from a theme; pure.

Buttons, fields and scroll bars look as everywhere in the application.
"""

from offload_app.theme import SIZES, Theme


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
#composer {{ background: {theme.surface}; border: 1px solid {theme.border}; border-radius: 12px; }}
#composer[active="true"] {{ border: 1px solid {theme.accent}; }}
QPlainTextEdit#input, QPlainTextEdit#prompt {{
    color: {theme.text}; background: transparent; border: none; selection-background-color: {theme.selection};
    selection-color: {theme.text};
}}
QPlainTextEdit#prompt {{ background: {theme.surface}; border: 1px solid {theme.border}; border-radius: 6px; }}
QPlainTextEdit#prompt:focus {{ border-color: {theme.accent}; }}
QListView#conversations {{ background: transparent; border: none; outline: none; color: {theme.text}; }}
"""
