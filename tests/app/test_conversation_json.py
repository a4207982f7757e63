"""The JSON of an exported conversation."""

import json
from dataclasses import replace

import pytest
from hypothesis import given

from fakes.conversations import STEPS, TEXTS, stepped, talk
from offload.protocol import GenerationParams
from offload_app.conversation import new_conversation, valid_text
from offload_app.conversation_json import from_json, to_json
from offload_app.storage.errors import ConversationFileError


@given(STEPS, TEXTS)
def test_the_whole_tree_comes_back_exactly(steps: list[tuple[str, int, str]], text: str) -> None:
    conversation = new_conversation(3, sampling=GenerationParams(seed=9, stop=("\n",)))
    text = valid_text(text)
    conversation = replace(conversation, title=text, system_prompt=text, draft=text)
    for now, step in enumerate(steps):
        conversation, _ = stepped(conversation, step, now)
    assert from_json(to_json(conversation)) == conversation


def spoiled(**changes: object) -> str:
    whole = json.loads(to_json(talk("hello", "hi")))
    whole["conversation"].update(changes)
    return json.dumps(whole)


def spoiled_message(**changes: object) -> str:
    whole = json.loads(to_json(talk("hello", "hi")))
    whole["conversation"]["messages"][1].update(changes)
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not JSON"),
        ("\n\nx", r"it is not JSON \(line 3\)"),
        ("[]", "the file is no object"),
        ("{}", "the file lacks 'format'"),
        ("[" * 100_000, "it is nested too deep"),
        ('{"format":"x","version":1,"conversation":{}}', "its format is not 'offload-conversation'"),
        ('{"format":"offload-conversation","version":2,"conversation":{}}', "it has version 2"),
        (spoiled(colour="red"), "conversation has the unknown field 'colour'"),
        (spoiled(title=3), "conversation.title is no text"),
        (spoiled(created_ms=1.5), "conversation.created_ms is no integer"),
        (spoiled(created_ms=2**63), "conversation.created_ms is no integer of 64 bits"),
        (spoiled(leaf=True), "conversation.leaf is no integer"),
        (spoiled(leaf=1), "the current message 1 is not the last"),
        (spoiled(messages=None), "conversation.messages is no list"),
        (spoiled(sampling={"temperature": "hot"}), "temperature must be float"),
        (spoiled_message(role="cat"), "message 2: role is none of system, user, assistant"),
        (spoiled_message(state=None), "message 2: state is none of"),
        (spoiled_message(parent=2), "message 2 has the parent 2"),
    ],
)
def test_a_text_that_is_no_conversation_is_refused_with_the_place(text: str, problem: str) -> None:
    with pytest.raises(ConversationFileError, match=f"^chat.json is not a conversation .*{problem}"):
        from_json(text, "chat.json")
