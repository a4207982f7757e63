"""Little Python functions: what each does, its code, how it works, and an example with its true result."""

from random import Random
from typing import NamedTuple

from models.demo.corpus.turns import Exchange, pair

OTHER_NAMES = ("solve", "compute", "work", "task", "answer", "my_function")
CODE_ADVICE_SHARE = 0.15


class Function(NamedTuple):
    """A function: what it is for (infinitive), its code, one sentence on how it works, and an example."""

    task: str
    code: str
    how: str
    call: str
    result: str

    @property
    def name(self) -> str:
        """The function's name, as its code has it."""
        return self.code[4 : self.code.index("(")]


FUNCTIONS = (
    Function("add two numbers", "def add(a, b):\n    return a + b", "The operator + adds the two numbers.", "add(2, 3)", "5"),
    Function("subtract two numbers", "def subtract(a, b):\n    return a - b", "The operator - takes the second number from the first.", "subtract(7, 4)", "3"),
    Function("multiply two numbers", "def multiply(a, b):\n    return a * b", "The operator * multiplies the two numbers.", "multiply(3, 4)", "12"),
    Function("square a number", "def square(x):\n    return x * x", "A square is the number times itself.", "square(5)", "25"),
    Function("double a number", "def double(x):\n    return 2 * x", "It multiplies the number by two.", "double(8)", "16"),
    Function("reverse a string", "def reverse(text):\n    return text[::-1]", "The slice with step -1 reads the string backwards.", 'reverse("lamp")', "'pmal'"),
    Function("sum a list", "def total(numbers):\n    result = 0\n    for number in numbers:\n        result += number\n    return result", "The loop adds one number after another to the result.", "total([1, 2, 3])", "6"),
    Function("find the largest number in a list", "def largest(numbers):\n    best = numbers[0]\n    for number in numbers:\n        if number > best:\n            best = number\n    return best", "The loop keeps the biggest number it has seen.", "largest([4, 9, 2])", "9"),
    Function("find the smallest number in a list", "def smallest(numbers):\n    best = numbers[0]\n    for number in numbers:\n        if number < best:\n            best = number\n    return best", "The loop keeps the smallest number it has seen.", "smallest([4, 9, 2])", "2"),
    Function("check whether a number is even", "def is_even(n):\n    return n % 2 == 0", "An even number leaves no remainder when it is divided by two.", "is_even(6)", "True"),
    Function("check whether a number is odd", "def is_odd(n):\n    return n % 2 == 1", "An odd number leaves a remainder of one when it is divided by two.", "is_odd(6)", "False"),
    Function("check whether a number is positive", "def is_positive(n):\n    return n > 0", "A positive number is greater than zero.", "is_positive(3)", "True"),
    Function("count the words in a text", "def count_words(text):\n    return len(text.split())", "The method split cuts the text at its spaces, and len counts the parts.", 'count_words("a red kite")', "3"),
    Function("count the vowels in a text", 'def count_vowels(text):\n    return sum(letter in "aeiou" for letter in text.lower())', "It looks at each letter and counts those that are vowels.", 'count_vowels("lamp oil")', "3"),
    Function("count a letter in a word", "def count_letter(word, letter):\n    return word.count(letter)", "The method count does the work.", 'count_letter("banana", "a")', "3"),
    Function("find the length of a list", "def length(items):\n    return len(items)", "The function len counts the items.", "length([1, 2, 3])", "3"),
    Function("compute the average of a list", "def average(numbers):\n    return sum(numbers) / len(numbers)", "It divides the sum by how many numbers there are.", "average([2, 4])", "3.0"),
    Function("compute the factorial of a number", "def factorial(n):\n    result = 1\n    for i in range(2, n + 1):\n        result *= i\n    return result", "The loop multiplies all numbers up to n.", "factorial(4)", "24"),
    Function("compute a Fibonacci number", "def fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a", "Every number is the sum of the two before it.", "fibonacci(7)", "13"),
    Function("check whether a number is prime", "def is_prime(n):\n    if n < 2:\n        return False\n    for i in range(2, n):\n        if n % i == 0:\n            return False\n    return True", "A prime number can be divided only by one and by itself.", "is_prime(7)", "True"),
    Function("check whether a word is a palindrome", "def is_palindrome(word):\n    return word == word[::-1]", "A palindrome is the same when it is read backwards.", 'is_palindrome("level")', "True"),
    Function("sort a list", "def sort_list(items):\n    return sorted(items)", "The function sorted returns a new list in order.", "sort_list([3, 1, 2])", "[1, 2, 3]"),
    Function("reverse a list", "def reverse_list(items):\n    return items[::-1]", "The slice with step -1 goes through the list from its end.", "reverse_list([1, 2, 3])", "[3, 2, 1]"),
    Function("remove duplicates from a list", "def unique(items):\n    result = []\n    for item in items:\n        if item not in result:\n            result.append(item)\n    return result", "An item is added only if it is not there yet.", "unique([1, 1, 2])", "[1, 2]"),
    Function("return the first item of a list", "def first(items):\n    return items[0]", "The first item has the index 0.", "first([5, 6, 7])", "5"),
    Function("return the last item of a list", "def last(items):\n    return items[-1]", "The index -1 counts from the end.", "last([5, 6, 7])", "7"),
    Function("make a text upper case", "def shout(text):\n    return text.upper()", "The method upper changes every letter to a capital.", 'shout("hello")', "'HELLO'"),
    Function("make a text lower case", "def whisper(text):\n    return text.lower()", "The method lower changes every letter to a small one.", 'whisper("HELLO")', "'hello'"),
    Function("greet a person by name", 'def greet(name):\n    return f"Hello, {name}!"', "The name is put into the text where the braces are.", 'greet("Mia")', "'Hello, Mia!'"),
    Function("repeat a text", "def repeat(text, times):\n    return text * times", "A text times a number is the text so many times.", 'repeat("ha", 3)', "'hahaha'"),
    Function("join words with spaces", 'def join_words(words):\n    return " ".join(words)', "The method join puts a space between the words.", 'join_words(["red", "kite"])', "'red kite'"),
    Function("find the longest word in a list", "def longest(words):\n    return max(words, key=len)", "The function max compares the words by their length.", 'longest(["fox", "tiger"])', "'tiger'"),
    Function("convert Celsius to Fahrenheit", "def to_fahrenheit(celsius):\n    return celsius * 9 / 5 + 32", "It multiplies by nine fifths and adds 32.", "to_fahrenheit(100)", "212.0"),
    Function("convert Fahrenheit to Celsius", "def to_celsius(fahrenheit):\n    return (fahrenheit - 32) * 5 / 9", "It subtracts 32 and multiplies by five ninths.", "to_celsius(32)", "0.0"),
    Function("compute the area of a rectangle", "def area(width, height):\n    return width * height", "The area is the width times the height.", "area(3, 5)", "15"),
    Function("compute the absolute value of a number", "def absolute(x):\n    return -x if x < 0 else x", "A negative number changes its sign.", "absolute(-4)", "4"),
    Function("keep only the even numbers of a list", "def evens(numbers):\n    return [n for n in numbers if n % 2 == 0]", "The list comprehension keeps each number that leaves no remainder.", "evens([1, 2, 3, 4])", "[2, 4]"),
    Function("double every number in a list", "def double_all(numbers):\n    return [2 * n for n in numbers]", "The list comprehension makes a new list of doubled numbers.", "double_all([1, 2])", "[2, 4]"),
    Function("count down to zero", "def count_down(n):\n    return list(range(n, -1, -1))", "The range goes down one by one and ends at zero.", "count_down(3)", "[3, 2, 1, 0]"),
    Function("check whether an item is in a list", "def contains(items, item):\n    return item in items", "The operator in looks through the list.", "contains([1, 2], 2)", "True"),
    Function("count how often each letter occurs", "def letter_counts(text):\n    counts = {}\n    for letter in text:\n        counts[letter] = counts.get(letter, 0) + 1\n    return counts", "The dictionary keeps a number for every letter.", 'letter_counts("aab")', "{'a': 2, 'b': 1}"),
    Function("swap two values", "def swap(a, b):\n    return b, a", "It returns the two values in the other order.", "swap(1, 2)", "(2, 1)"),
    Function("find the larger of two numbers", "def larger(a, b):\n    return a if a > b else b", "It compares the two numbers and returns the bigger one.", "larger(3, 8)", "8"),
    Function("multiply all numbers in a list", "def product(numbers):\n    result = 1\n    for number in numbers:\n        result *= number\n    return result", "The loop multiplies the result by one number after another.", "product([2, 3, 4])", "24"),
)  # fmt: skip
CODE_WORDS = (
    (
        "What is a function in Python?",
        "A function is a piece of code with a name. You write it with `def` and call it by its name.",
    ),
    ("What is a variable?", "A variable is a name for a value, for example `x = 5`."),
    ("What is a list in Python?", "A list holds several values in order, for example `[1, 2, 3]`."),
    ("What is a loop?", "A loop runs the same lines again and again, for example `for item in items:`."),
    ("What is a dictionary in Python?", 'A dictionary finds a value by its key, for example `{"red": 1}`.'),
    ("What is a string?", 'A string is a text in quotes, for example `"lamp"`.'),
    ("What does return do?", "The word `return` ends a function and gives its result back."),
    ("What does len do?", "The function `len` counts the items of a list or the letters of a string."),
    ("How do I print something in Python?", 'Use `print`, for example `print("Hello")`.'),
    ("What is Python?", "Python is a programming language that is easy to read."),
    ("What is a comment in Python?", "A comment begins with `#`, and Python does not run it."),
    ("What is a boolean?", "A boolean is either `True` or `False`."),
    ("How do I write a for loop?", "Write `for item in items:` and put the lines to repeat below it, indented."),
    ("How do I write an if in Python?", "Write `if x > 0:` and put the lines below it, indented."),
    ("What does range do?", "The call `range(3)` counts 0, 1, 2."),
)


def third_person(task: str) -> str:
    """Return a task as what a function does: ``reverse a string`` becomes ``reverses a string``."""
    verb, _, rest = task.partition(" ")
    return f"{verb}{'es' if verb.endswith(('s', 'ch', 'sh')) else 's'} {rest}"


def _request(rng: Random, function: Function) -> str:
    return rng.choice(
        (
            f"Write a Python function to {function.task}.",
            f"Write a Python function that {third_person(function.task)}.",
            f"How do I {function.task} in Python?",
            f"Show me a Python function to {function.task}.",
            f"Python function to {function.task}",
            f"Can you write a function to {function.task}?",
            f"I need a Python function that {third_person(function.task)}.",
            f"Give me Python code to {function.task}.",
            f"Please write code to {function.task}.",
            f"Write a function that {third_person(function.task)}.",
        )
    )


def python(rng: Random) -> Exchange:
    """A function on request, and sometimes how it works and what it returns; or a word about Python."""
    if rng.random() < CODE_ADVICE_SHARE:
        return pair(*rng.choice(CODE_WORDS))
    function = rng.choice(FUNCTIONS)
    ask, code, name = _request(rng, function), function.code, function.name
    if rng.random() < 0.1:
        name = rng.choice(OTHER_NAMES)
        ask = f"{ask.rstrip('.?')}. Call it {name}." if not ask.endswith("?") else f"{ask} Call it {name}."
        code = code.replace(f"def {function.name}(", f"def {name}(")
    call = function.call.replace(f"{function.name}(", f"{name}(", 1)
    turns = pair(ask, f"```python\n{code}\n```\n{function.how}")
    if rng.random() < 0.25:
        how = rng.choice(("How does it work?", "Explain it.", "Can you explain the code?"))
        turns += pair(how, f"{function.how} For example, `{call}` returns `{function.result}`.")
    elif rng.random() < 0.35:
        turns += pair(
            rng.choice((f"What does {call} return?", "Give me an example.", "How do I call it?")),
            f"`{call}` returns `{function.result}`.",
        )
    return turns
