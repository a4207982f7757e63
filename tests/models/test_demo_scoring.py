"""How the demo model is examined: right and wrong answers, good and bad stories, true and untrue claims."""

from collections.abc import Sequence
from random import Random

import pytest

from models.demo import evaluate, exam, scoring
from models.demo.corpus import Turn, is_held_out
from models.demo.corpus.product import TOPICS
from models.demo.corpus.stories import tell
from models.demo.corpus.story_talk import request
from models.demo.corpus.topics import Topic
from models.demo.corpus.turns import Question
from models.demo.evaluate import Failure, Score
from models.demo.greedy import Answer, Answering
from models.demo.scoring import StoryFault, story_faults

PROMPT = "Tell me a story about a fox and a lamp."
STORY = (
    "Near the forest lived a kind fox named Felix. One day Felix met Nora, a shy owl, in the forest. "
    "As always, Felix had a red lamp with him. Soon it was so dark that nobody could see the path. "
    '"Do not worry," said Felix. "I have my lamp." Felix lit the lamp, and its warm light showed them the way home. '
    "That is how Felix and Nora became friends."
)
OPPOSITE = Question("What is the opposite of hot?", "The opposite of hot is cold.", ("cold",), ("big", "small"))
SUM = Question("Add 23 and 45.", "23 + 45 = 68.", ("23 + 45 = 68",))


@pytest.mark.parametrize("answer", ["The opposite of hot is cold.", "Cold!", "It is cold."])
def test_an_answer_with_the_key_is_right(answer: str) -> None:
    assert scoring.is_right(OPPOSITE, answer)


@pytest.mark.parametrize("answer", ["", "The opposite of hot is hot.", "It is colder.", "cold or small"])
def test_an_answer_without_the_key_or_with_a_rival_is_wrong(answer: str) -> None:
    assert not scoring.is_right(OPPOSITE, answer)


@pytest.mark.parametrize("answer", ["23 + 45 = 69.", "23 + 45 = 680.", "23 + 44 = 68.", "68"])
def test_a_wrong_sum_is_wrong(answer: str) -> None:
    assert not scoring.is_right(SUM, answer)


@pytest.mark.parametrize("kind", sorted(exam.QUESTION_KINDS))
def test_the_exam_is_of_different_held_out_questions_whose_own_answers_are_right(kind: str) -> None:
    asked = exam.questions(kind, 50)
    assert len({question.ask.lower() for question in asked}) == 50
    assert all(is_held_out(question.ask) and scoring.is_right(question, question.answer) for question in asked)


def test_the_exam_is_the_same_every_time() -> None:
    assert exam.questions("fact", 20) == exam.questions("fact", 20)
    assert exam.story_requests(10) == exam.story_requests(10)


def test_stories_of_the_corpus_have_no_fault() -> None:
    rng = Random(8)
    for _ in range(500):
        asked = request(rng)
        story = tell(rng, hero=asked.hero, place=asked.place, thing=asked.thing).text
        assert story_faults(story, asked.ask, ended=True) == set(), story


def test_a_good_story_has_no_fault() -> None:
    assert story_faults(STORY, PROMPT, ended=True) == set()


def test_a_story_the_model_did_not_end_has_no_proper_end() -> None:
    assert story_faults(STORY, PROMPT, ended=False) == {StoryFault.NO_END}


@pytest.mark.parametrize("story", [STORY.removesuffix("."), STORY.replace(" became friends.", ""), "", "The end."])
def test_a_story_that_stops_short_has_no_proper_end(story: str) -> None:
    assert StoryFault.NO_END in story_faults(story, PROMPT, ended=True)


def test_a_story_that_repeats_a_sentence_has_no_proper_end() -> None:
    again = " That is how Felix and Nora became friends."
    assert story_faults(STORY + again, PROMPT, ended=True) == {StoryFault.NO_END}


def test_a_story_with_a_broken_word_is_noticed() -> None:
    assert story_faults(STORY.replace("worry", "worrpath"), PROMPT, ended=True) == {StoryFault.BROKEN_WORD}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Felix lit", "Oscar lit"),
        ("said Felix", "said Paul"),
        ("met Nora, a shy owl,", "met Felix, a shy owl,"),
        ("met Nora, a shy owl,", "met Nora"),
        ("That is how Felix", "That is how Bolgra"),
    ],
)
def test_a_story_with_a_drifting_name_is_noticed(before: str, after: str) -> None:
    assert StoryFault.NAMES in story_faults(STORY.replace(before, after), PROMPT, ended=True)


def test_a_story_whose_pronouns_do_not_fit_its_only_names_is_noticed() -> None:
    boys = STORY.replace("Nora", "Paul")
    assert story_faults(boys, PROMPT, ended=True) == set()
    assert story_faults(boys.replace("with him", "with her"), PROMPT, ended=True) == {StoryFault.NAMES}


def test_a_story_that_leaves_out_the_asked_name_is_noticed() -> None:
    assert story_faults(STORY, "Tell me a story about Zolva the fox.", ended=True) == {StoryFault.NAMES}


def test_a_name_from_the_prompt_need_not_be_introduced_again() -> None:
    asked = "Tell me a story about Zolva the fox."
    story = STORY.replace("Near the forest lived a kind fox named Felix.", "Near the forest lived Zolva.").replace(
        "Felix", "Zolva"
    )
    assert story_faults(story, asked, ended=True) == set()


def test_a_word_of_the_prompt_is_no_broken_word() -> None:
    story = STORY.replace("a red lamp", "a red zither")
    assert story_faults(story, PROMPT, ended=True) == {StoryFault.BROKEN_WORD}
    assert story_faults(story, "Tell me a story about a fox and a zither.", ended=True) == set()


def test_a_story_that_leaves_out_the_thing_does_not_keep_to_the_prompt() -> None:
    assert scoring.keeps_to(STORY, "forest", "lamp")
    assert not scoring.keeps_to(STORY, "forest", "bell")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.asks[0])
def test_the_answers_of_the_corpus_about_offload_are_true_and_on_topic(topic: Topic) -> None:
    answer = topic.tell(Random(1))
    assert scoring.untrue_sentences(answer) == []
    assert scoring.is_on_topic(answer, topic)


def test_an_invented_flag_is_untrue() -> None:
    answer = "Use `offload chat -m model.gguf` to talk with a model. Type `/quit` to leave."
    assert scoring.untrue_sentences(answer) == ["Type `/quit` to leave."]


def test_a_claim_of_another_topic_is_off_topic() -> None:
    assert not scoring.is_on_topic(TOPICS[0].tell(Random(1)), TOPICS[2])


def test_every_product_question_is_held_out() -> None:
    asked = exam.product_questions()
    assert len(asked) >= 40
    assert all(is_held_out(question.ask) for question in asked)


def test_an_opening_ends_with_its_first_answer() -> None:
    for turns in exam.held_out_openings("dialogue", 20):
        assert [turn.role for turn in turns if turn.role != "system"] == ["user", "assistant"]
        assert is_held_out(next(turn.text for turn in turns if turn.role == "user"))


def test_a_score_below_its_target_is_missed() -> None:
    assert Score("stories", 0.94, 100, 0.95).missed
    assert not Score("stories", 0.95, 100, 0.95).missed
    assert not Score("perplexity: story", 0.1, 100).missed


def test_the_table_names_what_was_missed() -> None:
    lines = evaluate.table(
        [Score("good stories", 0.9, 100, 0.95, [Failure("a", "b", "c")]), Score("perplexity: story", 1.5, 9)]
    )
    assert "target 95%: MISSED" in lines.splitlines()[0]
    assert "1.50" in lines.splitlines()[1]


class FromTheCorpus:
    """Answers the exam as the corpus does."""

    def __init__(self) -> None:
        kinds, count = exam.QUESTION_KINDS, evaluate.QUESTIONS_PER_KIND
        self.known = {question.ask: question.answer for kind in kinds for question in exam.questions(kind, count)}
        self.known |= {question.ask: question.topic.tell(Random(1)) for question in exam.product_questions()}
        for asked in exam.story_requests(evaluate.STORIES):
            self.known[asked.ask] = tell(Random(1), hero=asked.hero, place=asked.place, thing=asked.thing).text

    def answer(self, turns: Sequence[Turn], most_tokens: int = 256) -> Answer:
        return Answer(self.known[turns[0].text], [], ended=True)


class AlwaysTheSame:
    def answer(self, turns: Sequence[Turn], most_tokens: int = 256) -> Answer:
        return Answer("I like turtles.", [], ended=True)


def targeted(model: Answering) -> list[Score]:
    scores = [*evaluate.question_scores(model), *evaluate.story_scores(model), *evaluate.product_scores(model)]
    return [score for score in scores if score.target is not None]


def test_a_model_that_answers_as_the_corpus_does_reaches_the_targets() -> None:
    assert [score.value for score in targeted(FromTheCorpus())] == [1.0, 1.0, 1.0]


def test_a_model_that_always_says_the_same_misses_the_targets() -> None:
    assert [score.missed for score in targeted(AlwaysTheSame())] == [True, True, True]
