"""Arithmetic with numbers of one and two digits: direct answers, steps where they are asked for, sums told as a story.

Regular on purpose: every answer repeats the sum and ends it with the result, ``23 + 45 = 68.``, whatever the wording. Digits
are single tokens. Steps work digit by digit, so that no step contains another pair of two-digit numbers.
"""

from random import Random

from models.demo.corpus.turns import Exchange, Question, pair, politely
from models.demo.corpus.words import BOYS, GIRLS, THINGS_TO_COUNT

WORDS_OF = {"+": "plus", "-": "minus", "×": "times"}


def _result(x: int, sign: str, y: int) -> int:
    return {"+": x + y, "-": x - y, "×": x * y}[sign]


def _draw(rng: Random) -> tuple[int, str, int]:
    """Draw a sum: mostly two digits and two digits; a product only of the small tables."""
    sign = rng.choices("+-×", (5, 4, 3))[0]
    if sign == "×":
        return rng.randint(0, 10), sign, rng.randint(0, 10)
    top = rng.choice((9, 20, 99, 99, 99, 99))
    x, y = rng.randint(0, top), rng.randint(0, top)
    return (max(x, y), sign, min(x, y)) if sign == "-" else (x, sign, y)


def sum_question(rng: Random) -> Question:
    """A plain sum in one of many wordings."""
    x, sign, y = _draw(rng)
    word, result = WORDS_OF[sign], _result(x, sign, y)
    typed = rng.choice("×*x") if sign == "×" else sign
    asks = [
        f"What is {x} {typed} {y}?", f"{x} {typed} {y}", f"{x} {typed} {y} =", f"Calculate {x} {typed} {y}.",
        f"How much is {x} {word} {y}?", f"What is {x} {word} {y}?", f"What does {x} {typed} {y} make?",
        f"Can you work out {x} {typed} {y}?", f"Please compute {x} {typed} {y}.", f"{x} {word} {y}?", f"{x}{typed}{y}",
        f"Solve {x} {typed} {y}.",
    ]  # fmt: skip
    if sign == "+":
        asks += [f"Add {x} and {y}.", f"What is the sum of {x} and {y}?"]
    elif sign == "-":
        asks += [f"Subtract {y} from {x}.", f"What is the difference between {x} and {y}?"]
    else:
        asks += [f"Multiply {x} by {y}.", f"What is the product of {x} and {y}?"]
    said = f"{x} {sign} {y} = {result}"
    return Question(rng.choice(asks), f"{said}.", (said,))


def steps_question(rng: Random) -> Question:
    """A sum of two-digit numbers, step by step: ones first, then tens."""
    x, y = rng.randint(10, 99), rng.randint(10, 99)
    sign = rng.choice("+-")
    x, y = (max(x, y), min(x, y)) if sign == "-" else (x, y)
    said = f"{x} {sign} {y} = {_result(x, sign, y)}"
    ask = rng.choice(
        (
            f"What is {x} {sign} {y}? Step by step.",
            f"Calculate {x} {sign} {y} step by step.",
            f"Show me how to work out {x} {sign} {y}.",
            f"Explain step by step: {x} {sign} {y}",
            f"How do I calculate {x} {WORDS_OF[sign]} {y}? Show the steps.",
        )
    )
    return Question(ask, f"{_addition(x, y) if sign == '+' else _subtraction(x, y)}\nSo {said}.", (said,))


def _addition(x: int, y: int) -> str:
    ones, carry = x % 10 + y % 10, (x % 10 + y % 10) // 10
    first = f"Ones: {x % 10} + {y % 10} = {ones}." + (f" Write {ones % 10}, carry 1." if carry else "")
    tens = f"{x // 10} + {y // 10}" + (" + 1" if carry else "")
    return f"{first}\nTens: {tens} = {x // 10 + y // 10 + carry}."


def _subtraction(x: int, y: int) -> str:
    borrow = int(x % 10 < y % 10)
    top = f"{x % 10 + 10 * borrow}"
    first = f"Ones: {top} - {y % 10} = {int(top) - y % 10}." + (" Borrow 1." if borrow else "")
    tens = f"{x // 10} - {y // 10}" + (" - 1" if borrow else "")
    return f"{first}\nTens: {tens} = {x // 10 - y // 10 - borrow}."


def story_question(rng: Random) -> Question:
    """A sum told as a little story."""
    name = rng.choice(GIRLS + BOYS)
    other = rng.choice([n for n in GIRLS + BOYS if n != name])
    things = rng.choice(THINGS_TO_COUNT)
    kind = rng.randrange(4)
    if kind < 2:
        x, y = rng.randint(2, 60), rng.randint(2, 39)
        said = f"{x} + {y} = {x + y}"
        ask, end = rng.choice(
            (
                (f"{name} has {x} {things} and gets {y} more. How many {things} does {name} have now?", f"{name} has {x + y} {things}"),
                (f"{name} has {x} {things} and {other} has {y}. How many {things} do they have together?", f"Together they have {x + y} {things}"),
                (f"There are {x} {things} in one box and {y} in another. How many {things} are there?", f"There are {x + y} {things}"),
            )
        )  # fmt: skip
    elif kind == 2:
        y = rng.randint(2, 39)
        x = y + rng.randint(2, 60)
        said = f"{x} - {y} = {x - y}"
        ask, end = rng.choice(
            (
                (f"{name} has {x} {things} and gives {y} to {other}. How many {things} are left?", f"There are {x - y} {things} left"),
                (f"{name} had {x} {things} and lost {y}. How many {things} does {name} have now?", f"{name} has {x - y} {things}"),
            )
        )  # fmt: skip
    else:
        x, y = rng.randint(2, 10), rng.randint(2, 10)
        said = f"{x} × {y} = {x * y}"
        ask = f"There are {x} boxes with {y} {things} in each. How many {things} are there?"
        end = f"There are {x * y} {things}"
    return Question(ask, f"{said}. {end}.", (end,))


def comparison_question(rng: Random) -> Question:
    """Which of two numbers is bigger or smaller."""
    x, y = rng.sample(range(100), 2)
    big, small = max(x, y), min(x, y)
    kind = rng.randrange(4)
    if kind == 0:
        said = f"{small} is smaller than {big}"
        return Question(
            rng.choice((f"Which is smaller, {x} or {y}?", f"Which number is smaller: {x} or {y}?")), f"{said}.", (said,)
        )
    said = f"{big} is bigger than {small}"
    if kind == 1:
        verdict, wrong = ("Yes", "No") if x > y else ("No", "Yes")
        return Question(
            rng.choice((f"Is {x} bigger than {y}?", f"Is {x} more than {y}?")), f"{verdict}, {said}.", (said,), (wrong,)
        )
    ask = rng.choice(
        (f"Which is bigger, {x} or {y}?", f"Which number is larger: {x} or {y}?", f"Which is more, {x} or {y}?")
    )
    return Question(ask, f"{said}.", (said,))


def neighbour_question(rng: Random) -> Question:
    """The number before or after, the double or the half."""
    x = rng.randint(1, 99)
    kind = rng.randrange(4)
    if kind == 0:
        ask = rng.choice((f"Which number comes before {x}?", f"What comes before {x}?"))
        said = f"{x - 1} comes before {x}"
    elif kind == 1:
        ask = rng.choice((f"Which number comes after {x}?", f"What comes after {x}?"))
        said = f"{x + 1} comes after {x}"
    elif kind == 2:
        x = rng.randint(1, 50)
        ask, said = rng.choice((f"What is the double of {x}?", f"Double {x}.")), f"The double of {x} is {2 * x}"
    else:
        x = 2 * rng.randint(1, 50)
        ask, said = rng.choice((f"What is half of {x}?", f"Halve {x}.")), f"Half of {x} is {x // 2}"
    return Question(ask, f"{said}.", (said,))


def question(rng: Random) -> Question:
    """One arithmetic question of any kind with a short answer."""
    draw = rng.choices((sum_question, story_question, comparison_question, neighbour_question), (10, 3, 2, 1))[0]
    asked = draw(rng)
    return asked._replace(ask=politely(rng, asked.ask)) if rng.random() < 0.25 else asked


def worksheet(rng: Random) -> Exchange:
    """Several sums at once, each answered on a line of its own."""
    sums = [_draw(rng) for _ in range(rng.randint(2, 8))]
    title = rng.choice(("Solve these:", "Calculate:", "Work these out:", "Please solve:", "What are the results?"))
    asked = "\n".join(f"{x} {sign} {y}" for x, sign, y in sums)
    return pair(f"{title}\n{asked}", "\n".join(f"{x} {sign} {y} = {_result(x, sign, y)}" for x, sign, y in sums))


def arithmetic(rng: Random) -> Exchange:
    """One question, a few in a row, a worksheet, or one with its steps."""
    kind = rng.random()
    if kind < 0.35:
        return worksheet(rng)
    if kind < 0.5:
        return steps_question(rng).exchange()
    return [turn for _ in range(rng.choice((1, 1, 2, 3))) for turn in question(rng).exchange()]
