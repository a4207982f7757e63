"""Word lists of the demo corpus: people, animals, places, things and the facts about them.

Everything here was written for this recipe; nothing comes from a data set.
"""

from random import Random

GIRLS = (
    "Mia Anna Lily Nora Ella Zoe Ruby Clara Ida Maya Lucy Emma Rosa Tara Nina Alice Freya Hana Leila Sofia "
    "Iris Vera Olga Wren Daisy Greta Flora Amina Bella Edith"
).split()
BOYS = (
    "Tom Ben Leo Max Sam Oscar Finn Hugo Jack Noah Omar Paul Ravi Theo Will Adam Carl Dan Eli Felix "
    "George Henry Ivan Jonas Karim Liam Milo Peter Simon Victor"
).split()
ANIMALS = (
    "fox rabbit bear owl mouse frog cat dog duck turtle squirrel hedgehog pony goat bird lamb badger beaver "
    "otter crow deer donkey dragon elephant horse snail bee cow snake goose hen kitten lion monkey mole panda penguin pig puppy seal sheep swan tiger whale wolf"
).split()
FOLK = "robot knight wizard farmer baker teacher sailor giant dwarf fairy pirate doctor painter gardener cook".split()
TRAITS = (
    "little brave kind curious quiet clever cheerful gentle careful young shy lively patient hungry busy sleepy"
).split()
PLACES = (
    "forest river garden park beach farm village mountain lake market school library meadow castle harbour island "
    "bakery cave orchard bridge mill valley hill station lighthouse sea"
).split()
THINGS = (
    "ball kite book lamp key map hat scarf basket drum bell boat cup ring coin box flower shell stone feather "
    "umbrella letter apple cake button whistle ladder blanket pencil mirror spoon clock rope candle wheel"
).split()
COLOURS = "red blue green yellow white black orange purple brown pink grey golden silver".split()
FOODS = (
    "bread soup cake apples pears honey cheese rice pancakes berries cookies nuts plums porridge carrots jam".split()
)
WEATHER = (
    "the sun was shining",
    "it was raining softly",
    "the wind was blowing",
    "snow was falling",
    "the sky was grey",
    "the air was warm",
    "fog lay over the fields",
    "the stars were out",
    "the leaves were falling",
    "the birds were singing",
)
SEASONS = ("spring", "summer", "autumn", "winter")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January February March April May June July August September October November December").split()
TIMES = ("morning", "afternoon", "evening", "night")

OPPOSITES = tuple(
    tuple(pair.split("/"))
    for pair in (
        "hot/cold big/small fast/slow day/night up/down left/right happy/sad old/young open/closed full/empty "
        "hard/soft light/dark wet/dry high/low long/short thick/thin near/far early/late loud/quiet clean/dirty "
        "rich/poor strong/weak good/bad right/wrong first/last in/out on/off black/white wide/narrow deep/shallow "
        "easy/difficult true/false heavy/light sweet/sour smooth/rough awake/asleep alive/dead begin/end "
        "buy/sell give/take push/pull remember/forget win/lose laugh/cry love/hate inside/outside above/below "
        "before/after always/never brave/afraid safe/dangerous cheap/expensive"
    ).split()
)
COLOUR_OF = {
    "grass": "green", "the sky": "blue", "snow": "white", "a banana": "yellow", "a tomato": "red", "coal": "black",
    "an orange": "orange", "a carrot": "orange", "a lemon": "yellow", "milk": "white", "a strawberry": "red",
    "chocolate": "brown", "a plum": "purple", "an elephant": "grey", "a frog": "green", "a flamingo": "pink",
    "the sea": "blue", "a cherry": "red", "a crow": "black", "a polar bear": "white", "a leaf": "green",
    "the sun": "yellow", "a pumpkin": "orange", "a violet": "purple", "a bear": "brown", "rice": "white",
}  # fmt: skip
SOUND_OF = {
    "dog": "barks", "cat": "meows", "cow": "moos", "duck": "quacks", "sheep": "bleats", "lion": "roars",
    "frog": "croaks", "horse": "neighs", "owl": "hoots", "bee": "buzzes", "snake": "hisses", "wolf": "howls",
    "pig": "oinks", "mouse": "squeaks", "hen": "clucks", "bird": "sings", "donkey": "brays", "crow": "caws",
}  # fmt: skip
YOUNG_OF = {
    "dog": "puppy", "cat": "kitten", "cow": "calf", "sheep": "lamb", "hen": "chick", "horse": "foal",
    "duck": "duckling", "goose": "gosling", "lion": "cub", "frog": "tadpole", "goat": "kid", "pig": "piglet",
    "bear": "cub", "deer": "fawn", "swan": "cygnet", "kangaroo": "joey",
}  # fmt: skip
LEGS_OF = {
    "dog": 4, "cat": 4, "cow": 4, "bird": 2, "spider": 8, "ant": 6, "bee": 6, "horse": 4, "duck": 2, "fish": 0,
    "snake": 0, "sheep": 4, "person": 2, "hen": 2, "fly": 6, "lion": 4,
}  # fmt: skip
CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "England": "London",
    "Japan": "Tokyo", "China": "Beijing", "Russia": "Moscow", "Egypt": "Cairo", "Greece": "Athens",
    "Austria": "Vienna", "Poland": "Warsaw", "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki",
    "Denmark": "Copenhagen", "Portugal": "Lisbon", "Ireland": "Dublin", "Canada": "Ottawa", "India": "New Delhi",
    "Kenya": "Nairobi", "Peru": "Lima", "Cuba": "Havana", "Hungary": "Budapest", "Turkey": "Ankara",
}  # fmt: skip
USED_FOR = {
    "a knife": "to cut bread and other food", "a pen": "to write", "a lamp": "to give light",
    "an umbrella": "to stay dry in the rain", "a key": "to open a lock", "a bed": "to sleep in",
    "a clock": "to tell the time", "a boat": "to travel on water", "a broom": "to sweep the floor",
    "a spoon": "to eat soup", "a hammer": "to drive nails", "a map": "to find the way", "a cup": "to drink from",
    "a needle": "to sew cloth", "a ladder": "to climb up high", "a coat": "to keep warm", "a book": "to read",
    "a bell": "to call people", "a basket": "to carry things", "a candle": "to give light in the dark",
    "a rope": "to tie things together", "a telephone": "to talk with people far away",
    "a camera": "to take pictures", "a bridge": "to cross a river", "soap": "to wash your hands",
}  # fmt: skip
PLAIN_FACTS = (
    ("How many days are in a week?", "There are seven days in a week."),
    ("How many months are in a year?", "There are twelve months in a year."),
    ("How many hours are in a day?", "There are twenty-four hours in a day."),
    ("How many minutes are in an hour?", "There are sixty minutes in an hour."),
    ("How many seconds are in a minute?", "There are sixty seconds in a minute."),
    ("How many seasons are there?", "There are four seasons: spring, summer, autumn and winter."),
    ("How many letters are in the alphabet?", "There are twenty-six letters in the English alphabet."),
    ("What do bees make?", "Bees make honey."),
    ("What do cows give us?", "Cows give us milk."),
    ("Where do fish live?", "Fish live in water."),
    ("What is ice?", "Ice is water that has frozen."),
    ("What is rain?", "Rain is water that falls from the clouds."),
    ("What is the sun?", "The sun is a star. It gives us light and warmth."),
    ("What is the moon?", "The moon goes around the Earth. We see it at night."),
    ("What do plants need?", "Plants need water, light and air to grow."),
    ("Why do we sleep?", "We sleep so that the body and the mind can rest."),
    ("What is a computer?", "A computer is a machine that works with numbers and text."),
    ("What is bread made of?", "Bread is made of flour, water, salt and yeast."),
    ("Where does the sun rise?", "The sun rises in the east."),
    ("Where does the sun set?", "The sun sets in the west."),
    ("What is the largest animal?", "The largest animal is the blue whale."),
    ("What is the largest ocean?", "The largest ocean is the Pacific Ocean."),
    ("What is the planet we live on?", "We live on the planet Earth."),
    ("At what temperature does water freeze?", "Water freezes at zero degrees Celsius."),
    ("At what temperature does water boil?", "Water boils at one hundred degrees Celsius."),
    ("What colours are in a rainbow?", "A rainbow is red, orange, yellow, green, blue, indigo and violet."),
)
NUMBER_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
).split()
UNKNOWN_TOPICS = (
    "the stock market", "football results", "the latest news", "French grammar", "quantum physics", "my tax return",
    "the history of Rome", "chess openings", "medicine", "law", "rocket engines", "the price of gold", "politics",
    "opera", "Latin", "organic chemistry", "programming in Rust", "ancient coins", "the weather tomorrow",
    "the election", "my computer's error message", "deep sea fishing", "jazz", "pottery", "video games",
)  # fmt: skip


def a(noun: str) -> str:
    """Return the noun with its indefinite article: ``a fox``, ``an owl``."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def invented(rng: Random) -> str:
    """Return a word of two or three syllables that nobody has heard of, so that copying is learnt and not only words."""
    syllables = (
        rng.choice("bcdfghjklmnprstvwz") + rng.choice("aeiou") + rng.choice(("", "", "n", "r", "l")) for _ in "123"
    )
    return "".join(syllables)[: rng.randint(4, 8)]


def capital(sentence: str) -> str:
    """Return the sentence with its first letter in upper case, the rest untouched."""
    return sentence[:1].upper() + sentence[1:]
