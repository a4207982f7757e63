"""What stories are made of: places with their hiding spots, and things with the trouble each of them helps in."""

from typing import NamedTuple


class Place(NamedTuple):
    """A place: its name, how one is there, and two spots where something may lie."""

    name: str
    at: str
    spots: tuple[str, str]


class Thing(NamedTuple):
    """A thing to own.

    ``trouble`` and ``help`` are two sentences with the slots {h}, {f} (names of the owner and the friend) and {t}.
    ``lasting`` things can be broken, mended, painted; the others cannot. ``colours`` are those it may have (none: any).
    """

    name: str
    trouble: str
    help: str
    lasting: bool = True
    colours: tuple[str, ...] = ()


PLACES = tuple(
    Place(name, f"{preposition} the {name}", spots)
    for name, preposition, spots in (
        ("forest", "in", ("under a fern", "behind an old oak")),
        ("river", "by", ("between two wet stones", "under the willow")),
        ("garden", "in", ("under the roses", "behind the wall")),
        ("park", "in", ("under a bench", "beside the pond")),
        ("beach", "on", ("in the sand", "behind a rock")),
        ("farm", "on", ("in the hay", "behind the barn")),
        ("village", "in", ("beside the well", "under the bridge")),
        ("mountain", "on", ("under a rock", "beside a spring")),
        ("lake", "by", ("in the reeds", "under a boat")),
        ("market", "at", ("under a table", "behind a cart")),
        ("school", "at", ("under a desk", "behind the door")),
        ("library", "in", ("behind a shelf", "under the stairs")),
        ("meadow", "in", ("in the tall grass", "beside a molehill")),
        ("castle", "in", ("behind the throne", "under the old stairs")),
        ("harbour", "at", ("under a net", "behind a barrel")),
        ("island", "on", ("under a palm tree", "in a small cave")),
        ("orchard", "in", ("under a pear tree", "beside the fence")),
        ("mill", "at", ("behind a sack", "beside the big wheel")),
        ("valley", "in", ("beside the path", "under a bush")),
        ("hill", "on", ("under a thorn bush", "behind a stone")),
        ("station", "at", ("under a seat", "beside the clock")),
        ("lighthouse", "at", ("under the steps", "behind a chest")),
        ("sea", "by", ("in the sand", "beneath the pier")),
    )
)

THINGS = (
    Thing("lamp", "Soon it was so dark that nobody could see the path.", "{h} lit the {t}, and its warm light showed them the way home."),
    Thing("lantern", "Then the fog came, and they could not see their own feet.", "{h} held up the {t}, and step by step they found the way."),
    Thing("candle", "Suddenly the wind blew out every light.", "{h} lit the {t}, and the dark was not so dark any more."),
    Thing("rope", "A calf had fallen into a deep hole and could not get out.", "{h} let down the {t}, and together they pulled the calf up."),
    Thing("ladder", "A kitten sat high up in a tree and did not dare to come down.", "{h} put the {t} against the tree, and {f} brought the kitten down."),
    Thing("umbrella", "Big drops began to fall, and there was no roof anywhere.", "{h} opened the {t}, and both of them stayed dry."),
    Thing("bell", "Thick fog hid the land, and a fishing boat could not find the shore.", "{h} rang the {t} again and again, and the boat followed the sound."),
    Thing("whistle", "They had gone too far, and nobody knew where they were.", "{h} blew the {t} as loudly as possible, and soon help came."),
    Thing("drum", "The birds had to wake up early, but all of them were still asleep.", "{h} beat the {t}, and one bird after another opened its eyes."),
    Thing("kite", "They were lost, and their friends were looking for them.", "{h} let the {t} fly above the trees, and their friends saw it and came."),
    Thing("map", "The path split into three, and every way looked the same.", "{h} opened the {t} and found the right path.", lasting=False),
    Thing("key", "The old gate fell shut behind them, and it was locked.", "{h} tried the {t}, and the gate opened with a creak."),
    Thing("blanket", "The night was cold, and {f} began to shiver.", "{h} put the {t} around them both, and they were warm until the morning.", lasting=False),
    Thing("scarf", "A cold wind blew, and {f} had a sore throat.", "{h} wrapped the {t} around {f}, and soon the throat was better.", lasting=False),
    Thing("hat", "A small bird had fallen out of its nest.", "{h} laid the bird in the {t} and carried it back to the nest.", lasting=False),
    Thing("basket", "The ripe plums had fallen down, and it would rain soon.", "They put all the plums in the {t} and brought them home dry."),
    Thing("bucket", "A spark had set fire to the dry grass.", "{h} filled the {t} with water and put the fire out."),
    Thing("boat", "The bridge was broken, and the water was deep.", "They sat down in the {t}, and {h} rowed them across."),
    Thing("mirror", "They were on the wrong side of the water, and nobody heard them.", "{h} caught the sun in the {t}, and the ferryman saw the flash and came."),
    Thing("book", "{f} could not fall asleep, because the night was so quiet.", "{h} opened the {t} and read aloud, and soon {f} was asleep.", lasting=False),
    Thing("flute", "A baby bat cried and could not be calmed.", "{h} played a soft song on the {t}, and the little bat fell asleep."),
    Thing("cup", "They were thirsty, but the spring was too deep to reach by hand.", "{h} let the {t} down on a string, and they drank cold water."),
    Thing("spoon", "They had a big pot of soup, but nothing to eat it with.", "{h} took out the {t}, and they ate by turns."),
    Thing("broom", "The house of an old neighbour was full of dust.", "{h} took the {t} and swept until the floor was shining."),
    Thing("ball", "A little raccoon sat alone and had nobody to play with.", "{h} rolled the {t} over, and soon all three were playing."),
    Thing("wagon", "A tortoise had to bring home a heavy pumpkin.", "They put the pumpkin in the {t} and pulled it all the way."),
    Thing("box", "A caterpillar had lost its way in the cold rain.", "{h} put dry leaves into the {t} and made a warm bed for it."),
    Thing("coin", "The ferryman wanted money, and {f} had none.", "{h} paid with the {t}, and the boat took both of them across.", lasting=False, colours=("golden", "silver")),
    Thing("clock", "Nobody knew when the last train would leave.", "{h} looked at the {t}, and they ran and caught the train."),
    Thing("needle", "The sail of their boat had a long tear.", "{h} took the {t} and a thread and sewed the sail.", lasting=False, colours=("golden", "silver")),
    Thing("spade", "A tree had fallen over the door of the hamster.", "{h} took the {t} and dug a new door for the hamster."),
    Thing("pencil", "They had to go home, but how could they find this place again?", "{h} took the {t} and drew a little map of the way.", lasting=False),
    Thing("feather", "The door of the giant was closed, and the giant was fast asleep.", "{h} tickled a big nose with the {t}, and the giant woke up and let them in.", lasting=False),
    Thing("shell", "{f} missed the sound of the waves.", "{h} held the {t} to {f}'s ear, and there it was, the sound of the sea.", lasting=False),
    Thing("flower", "The queen of the bees was sad and did not want to dance.", "{h} gave the queen the {t}, and the whole hive danced again.", lasting=False),
    Thing("apple", "A hungry mule stood in the way and would not move.", "{h} gave it the {t}, and the mule let them pass.", lasting=False, colours=("red", "green", "yellow")),
)  # fmt: skip
SKILLS = ("whistle", "dance", "sing", "juggle", "read", "paint", "cook", "swim", "knit", "bake bread")
TIMES = ("morning", "afternoon", "evening", "day")
