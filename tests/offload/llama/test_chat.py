"""Chat templates: rendering as models expect it, and clear words when a template refuses or is broken."""

import re

import pytest

from offload.config import Message, Role
from offload.errors import ModelFileError, UsageError
from offload.llama.chat import CHATML, render

_TALK = [
    Message(Role.SYSTEM, "Be brief."),
    Message(Role.USER, "Hi"),
    Message(Role.ASSISTANT, "Hello"),
    Message(Role.USER, "Bye"),
]
_USER = [Message(Role.USER, "Hi")]


def test_a_model_without_a_template_gets_chatml() -> None:
    assert render(None, _TALK) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_generation_prompt_is_left_out_where_not_wanted() -> None:
    assert render(CHATML, _USER, add_generation_prompt=False) == "<|im_start|>user\nHi<|im_end|>\n"


def test_the_special_tokens_are_given_to_the_template() -> None:
    template = "{{ bos_token }}[INST] {{ messages[0].content }} [/INST]{{ eos_token }}"
    assert render(template, _USER, bos_text="<s>", eos_text="</s>") == "<s>[INST] Hi [/INST]</s>"


def test_blocks_leave_no_empty_lines() -> None:
    template = "{% for m in messages %}\n  {% if true %}\n{{ m.content }}\n  {% endif %}\n{% endfor %}\n"
    assert render(template, _USER) == "Hi\n"


def test_loops_can_be_left() -> None:
    template = "{% for m in messages %}{% if loop.index == 2 %}{% break %}{% endif %}{{ m.content }}{% endfor %}"
    assert render(template, _TALK) == "Be brief."


def test_json_is_written_as_it_stands() -> None:
    assert render("{{ messages[0] | tojson }}", [Message(Role.USER, "<é>'")]) == (
        '{"role": "user", "content": "<é>\'"}'
    )


def test_the_generation_tag_is_let_through() -> None:
    assert render("{% generation %}{{ messages[0].content }}{% endgeneration %}", _USER) == "Hi"


def test_the_date_can_be_asked_for() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", render("{{ strftime_now('%Y-%m-%d') }}", _USER))


def test_there_are_no_tools_to_speak_of() -> None:
    assert render("{% if tools %}tools{% else %}none{% endif %}", _USER) == "none"


def test_a_template_that_refuses_is_quoted() -> None:
    template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{{ messages[0].content }}"
    )
    with pytest.raises(UsageError, match=r"system, user, assistant, user.*System role not supported"):
        render(template, _TALK)
    assert render(template, _USER) == "Hi"


def test_no_messages_are_refused() -> None:
    with pytest.raises(UsageError, match="no messages"):
        render(None, [])


@pytest.mark.parametrize("template", ["{% for m in messages %}", "{{ messages", "{% nonsense %}"])
def test_a_malformed_template_is_a_fault_of_the_file(template: str) -> None:
    with pytest.raises(ModelFileError, match=r"tiny\.gguf: .*malformed at line 1"):
        render(template, _USER, file="tiny.gguf")


@pytest.mark.parametrize(
    "template",
    ["{{ messages[0].content.nothing.at.all }}", "{{ nothing() }}", "{{ 1 // 0 }}", "{{ messages[0].content + 1 }}"],
)
def test_a_template_that_fails_is_a_fault_of_the_file(template: str) -> None:
    with pytest.raises(ModelFileError, match="fails on this conversation"):
        render(template, _USER, file="tiny.gguf")


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ raise_exception.__globals__.keys() }}",
    ],
)
def test_a_template_cannot_leave_the_sandbox(template: str) -> None:
    with pytest.raises(ModelFileError):
        render(template, _USER, file="tiny.gguf")
