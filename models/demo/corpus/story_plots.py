"""The plots of the stories: openings, and for each plot its sentences with their variants.

Slots: {h} {hd} {he} {him} {his} {He} {His} the hero, {f} {fd} {fhe} {fhim} {Fhe} the friend; {t} the thing, {at_} {act} with
article (and colour), {ct} with colour; {place}, {at} "in the forest", {At}, {by} "near" or "by", {spot}; {trouble} and {help} of the thing;
{food}, {skill}, {time}, {colour}. {fd} stands once in a plot, where the friend is introduced.
"""

from typing import NamedTuple


class Plot(NamedTuple):
    """What happens, sentence by sentence, and what may be learnt from it."""

    name: str
    moral: str
    needs_lasting: bool
    sentences: tuple[tuple[str, ...], ...]


OPENINGS = (
    "Once upon a time there was {hd} named {h}, who lived near the {place}.",
    "Once upon a time there was {hd} named {h}. {He} lived near the {place}.",
    "Once upon a time, in a small house {by} the {place}, there lived {hd} named {h}.",
    "Once upon a time, near the {place}, there lived {hd} named {h}.",
    "{h} was {hd} who lived near the {place}.",
    "There once was {hd} named {h}, who lived near the {place}.",
    "Near the {place} lived {hd} named {h}.",
    "Long ago, {hd} named {h} lived near the {place}.",
)

PLOTS = (
    Plot("help", "a good tool and a calm head help out of trouble", False, (
        ("One {time} {h} met {f}, {fd}, {at}.", "One {time} {h} went for a walk with {f}, {fd}."),
        ("{h} had brought {act} along.", "As always, {h} had {act} with {him}."),
        ("{trouble}",),
        ('"What shall we do now?" asked {f}.', '"Oh dear," said {f}. "What now?"'),
        ('"Do not worry," said {h}. "I have my {t}."', '"Wait," said {h}. "My {t} can help."'),
        ("{help}",),
        ('"That was clever, {h}!" said {f}.', '"What would I do without you, {h}?" said {f}.'),
        ("Since that day the two friends never go out without the {t}.", "That is how {h} and {f} became friends."),
    )),
    Plot("lost", "it is easier to find a lost thing together", False, (
        ("{h} had {act} and loved it very much.", "The dearest thing {h} owned was {act}."),
        ("One {time} the {t} was gone.", "But one {time} {he} could not find the {t} anywhere."),
        ('"Where is my {t}?" cried {h}.', '"I have lost my {t}!" said {h}.'),
        ("{f}, {fd}, heard {him} and came to help.",),
        ("Together they looked everywhere, step by step.", "They looked high and low, and they did not give up."),
        ("At last {f} saw something {colour} {spot}. It was the {t}!", "Then {f} looked {spot}, and there lay the {t}."),
        ('"Thank you, {f}," said {h}. "You have good eyes."', '"You found it!" said {h} and hugged {f}.'),
        ("After that, {h} always put the {t} back in its place.", "From then on, {h} took good care of the {t}."),
    )),
    Plot("gift", "a present made with love is worth more than money", True, (
        ("It was the birthday of {f}, {fd}.",),
        ("{h} wanted to give {f} a present, but {he} had no money.",),
        ("So {he} looked around {at}. There, {spot}, lay an old {t}.",),
        ("{h} took it home, cleaned it, and painted it {colour}.",),
        ('In the evening {he} gave it to {f}. "I made this for you," said {h}.',),
        ('"It is the most beautiful {t} in the world," said {f}.', '{f} was happy. "Nobody else has such {at_}!" {fhe} said.'),
        ("Then they ate {food} and danced until the stars came out.", "They ate {food} and told stories until it was late."),
    )),
    Plot("share", "what you share with others comes back to you", False, (
        ("One {time} {h} packed some {food} and set off.",),
        ("On the way {he} met {f}, {fd}, who had not eaten all day.",),
        ('"I have only a little," said {h}, "but half of it is yours."',),
        ("They sat down {at} and shared the {food}.",),
        ('"You are kind," said {f}. "I want to give you something, too."',),
        ("{Fhe} took out {act} and put it into {h}'s hand.", "And {fhe} gave {h} {act}."),
        ("Later, {h} was glad about it. {trouble}", "It came just in time. {trouble}"),
        ("{help}",),
    )),
    Plot("learn", "those who try again and again will learn it", False, (
        ("{h} wanted to learn to {skill}, but every time it went wrong.",),
        ('"I shall never learn it," {he} said.', '"It is too hard for me," {he} said.'),
        ("{At} {he} met {f}, {fd}.",),
        ('"I failed a hundred times," said {f}, "and today I can {skill}. Let us practise together."',),
        ("So they practised every {time}, in sun and in rain.",),
        ("After a week it went better, and after a month {h} could {skill}.",),
        ("{f} was so proud that {fhe} gave {him} {act} as a prize.",),
        ('"I only had to keep trying," said {h}.',),
    )),
    Plot("honest", "an honest heart finds friends", False, (
        ("One {time} {h} found {act} {spot}.", "One {time}, {spot}, {h} found {act}."),
        ("It was beautiful, and {he} wanted to keep it.",),
        ("But then {he} thought of the one who had lost it.",),
        ('So {he} asked at every door, "Whose {t} is this?"',),
        ('"It is mine!" said {f}, {fd}. "I have looked for it all day."',),
        ("{h} gave it back at once.", "{h} put the {t} into {f}'s hands."),
        ("The next morning {f} brought {him} some {food} to say thank you.",),
        ("{h} had given away {at_} and found a friend.",),
    )),
    Plot("broken", "the truth is better than a secret", True, (
        ("{h} had borrowed {act} from {f}, {fd}.",),
        ("{At} {he} stumbled, and the {t} broke in two.",),
        ('"I could hide it {spot}," {he} thought. But that felt wrong.',),
        ("So {h} went to {f} and told the truth.",),
        ('"I am sad about the {t}," said {f}, "but I am glad that you told me."',),
        ("Together they mended it with glue and string.",),
        ("It was not as pretty as before, but now it was the {t} of two friends.",),
    )),
    Plot("noise", "many things we are afraid of are harmless", False, (
        ("One night {h} heard a strange noise outside.",),
        ("{He} was afraid, but {he} took {his} {ct} and went to look.",),
        ('"Who is there?" {he} called.',),
        ("Something moved {spot}. It was {f}, {fd}, who had lost the way.",),
        ('"I am so glad to see you," said {f}.',),
        ("{h} took {fhim} home, and they ate some {food}.",),
        ('"You looked more afraid than I was," said {f}, and they both laughed.',),
        ("Then {h} put the {t} away and slept well.",),
    )),
    Plot("race", "helping a friend is better than winning", False, (
        ("One {time} {h} and {f}, {fd}, ran a race.",),
        ("The first one {at} would win {act}.",),
        ("{h} was far ahead when {f} stumbled and fell.",),
        ("{h} stopped, turned around, and helped {fhim} up.",),
        ("They walked the rest of the way side by side.",),
        ('"Who has won the {t} now?" asked {f}.',),
        ('"Both of us," said {h}. "You may have it first."',),
    )),
    Plot("wish", "a friend is worth more than any treasure", True, (
        ("{At} {he} found an old {t}. When {he} touched it, it began to glow.",),
        ('"You may make one wish," said a small voice.',),
        ("{h} wanted to wish for a mountain of {food}.",),
        ("Just then {he} heard a cry. It was {f}, {fd}, who was stuck {spot}.",),
        ('"I wish that {f} were free," said {h}.',),
        ("The {t} stopped glowing, and {f} was free.",),
        ('"You gave your wish away for me," said {f}.',),
        ("There was no mountain of {food}, but there was a new friend, and that was better.",),
    )),
    Plot("alone", "one small step can end being lonely", False, (
        ("{h} was new there and knew nobody.",),
        ("Every {time} {he} sat alone {at} and looked at {his} {ct}.",),
        ("One {time} {f}, {fd}, came closer.", "{f}, {fd}, watched {him} for a long time."),
        ('"That is a nice {t}," said {f}. "May I see it?"',),
        ("First {h} said nothing. Then {he} held out the {t}.",),
        ("They talked and played until the sun went down.",),
        ('"Will you come again tomorrow?" asked {h}.',),
        ('"Of course," said {f}. And that was the end of being alone.',),
    )),
    Plot("storm", "an open door makes a friend", False, (
        ("One {time} {h} was far from home when a great storm came.",),
        ("The rain fell hard, and {he} was wet and afraid.",),
        ("Then {he} saw a light. It was the house of {f}, {fd}.",),
        ('"Come in and get warm," said {f}.', '"Come in quickly," said {f}. "You are all wet."'),
        ("{h} sat by the fire and ate some {food} until the storm was over.",),
        ("The next day {he} came back and brought {act}.",),
        ('"This {t} is for you, because you opened your door," said {h}.',),
        ("They have been friends ever since.",),
    )),
)  # fmt: skip
