"""Chat templates: a conversation turned into the text a model was trained to continue.

Templates are Jinja, come with the model file and are not trusted: they run in a sandbox that cannot change what it
is given. Rendered as the Transformers library does. Source: llama_cpp/llama_chat_format.py, `Jinja2ChatFormatter`.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

from offload.config import Message
from offload.errors import ModelFileError, UsageError

if TYPE_CHECKING:
    from jinja2 import Template

CHATML: Final = (
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)
"""What a model without a template gets, as in llama.cpp."""


class _Refused(Exception):  # noqa: N818 - a signal from the template, not an error of ours
    """The template called `raise_exception`."""


def render(
    template: str | None,
    messages: Sequence[Message],
    *,
    add_generation_prompt: bool = True,
    bos_text: str = "",
    eos_text: str = "",
    file: str = "the model",
) -> str:
    """Return the prompt text for `messages`; special tokens are in it as text, so tokenize with `parse_special`.

    `template` None: ChatML. `file` is named in errors.

    Raises:
        ModelFileError: the template is malformed or fails on any conversation.
        UsageError: the template refuses this conversation, for example a system message; or there are no messages.
    """
    if not messages:
        raise UsageError("There are no messages to answer.", hint="Give at least one user message.")
    turns = [{"role": message.role.value, "content": message.content} for message in messages]
    roles = ", ".join(message.role.value for message in messages)
    compiled = _compile(CHATML if template is None else template, file)
    from jinja2 import TemplateError

    try:
        return compiled.render(
            messages=turns,
            bos_token=bos_text,
            eos_token=eos_text,
            add_generation_prompt=add_generation_prompt,
            raise_exception=_refuse,
            strftime_now=_strftime_now,
            tools=None,
            functions=None,
        )
    except _Refused as refusal:
        raise UsageError(
            f"The model's chat template refuses this conversation ({roles}): {refusal}.",
            hint="Not every model takes a system message, and most want user and assistant to take turns.",
        ) from refusal
    except (
        TemplateError,
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise ModelFileError(
            f"The chat template fails on this conversation ({roles}): {error}.",
            file=file,
            hint="Use the completion of raw text, or another model file.",
        ) from error


def _compile(template: str, file: str) -> "Template":
    from jinja2 import BaseLoader, TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=BaseLoader(),
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols", _generation_tag()],
    )
    environment.filters["tojson"] = _to_json
    try:
        return environment.from_string(template)
    except (TemplateSyntaxError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise ModelFileError(
            f"The chat template is malformed at line {line}: {error}.",
            file=file,
            hint="Use the completion of raw text, or another model file.",
        ) from error


def _generation_tag() -> Any:
    """Return the extension that lets `{% generation %}`, a tag of the Transformers library, through."""
    from jinja2.ext import Extension

    class GenerationTag(Extension):
        tags = {"generation"}  # noqa: RUF012 - the name and type Jinja reads

        def parse(self, parser: Any) -> Any:
            parser.stream.skip(1)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return GenerationTag


def _refuse(message: object) -> NoReturn:
    raise _Refused(str(message).rstrip("."))


def _strftime_now(layout: str) -> str:
    return datetime.now().strftime(layout)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
    default: Callable[[Any], Any] | None = None,
) -> str:
    """Write JSON as it stands: Jinja's own filter escapes it for HTML."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys, default=default
    )
