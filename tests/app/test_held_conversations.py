"""Which conversation an answer is written into, whatever is opened meanwhile."""

from fakes.conversations import talk
from offload.protocol import GenerationParams
from offload_app.answering import Answering, Ending
from offload_app.conversation import Conversation, MessageState, begin_answer
from offload_app.held_conversations import HeldConversations


class World:
    """A conversation whose second message is being written."""

    def __init__(self) -> None:
        self.asked: Conversation = begin_answer(talk("q"), 1)
        self.other = talk("other")
        self.answer: Answering | None = Answering(self.asked.id, 2, 1, GenerationParams(), None, None)
        self.held = HeldConversations(self.asked, lambda: self.answer)


def test_what_has_come_of_an_answer_is_in_the_open_conversation() -> None:
    world = World()
    assert world.answer is not None
    world.answer.add("so far")
    assert world.held.folded.messages[1].text == "so far"


def test_an_answer_whose_conversation_is_left_goes_on_aside() -> None:
    world = World()
    assert world.answer is not None
    world.answer.add("so ")
    world.held.show(world.other)
    assert world.held.answer is None
    assert world.held.being_written is world.answer
    world.answer.add("far")
    assert world.held.folded == world.other
    aside = world.held.aside(world.asked.id)
    assert aside is not None
    world.held.show(aside)
    assert world.held.folded.messages[1].text == "so far"
    assert world.held.aside(world.asked.id) is None


def test_an_answer_that_ends_aside_leaves_the_open_conversation() -> None:
    world = World()
    assert world.answer is not None
    world.answer.add("all")
    world.held.show(world.other)
    world.held.name_aside(world.asked.id, "A title")
    ended = world.held.end(world.answer, Ending(MessageState.COMPLETE))
    assert (ended.title, ended.messages[1].text, ended.messages[1].state) == ("A title", "all", MessageState.COMPLETE)
    assert world.held.open == world.other
    assert world.held.aside(world.asked.id) is None
