"""A second language: German phrases, words, simple sentences in both directions, and a little talk in German."""

from random import Random

from models.demo.corpus.turns import Exchange, pair
from models.demo.corpus.words import capital


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``english/german`` pairs that are set apart by commas."""
    return tuple((entry.split("/")[0], entry.split("/")[1]) for entry in text.split(","))


PHRASES = tuple(
    (line.split(" = ")[0], line.split(" = ")[1])
    for line in """Good morning! = Guten Morgen!
Good evening! = Guten Abend!
Good night! = Gute Nacht!
Hello! = Hallo!
Goodbye! = Auf Wiedersehen!
See you tomorrow! = Bis morgen!
Thank you very much! = Vielen Dank!
You are welcome. = Gern geschehen.
Please. = Bitte.
Excuse me. = Entschuldigung.
I am sorry. = Es tut mir leid.
How are you? = Wie geht es dir?
I am fine. = Mir geht es gut.
What is your name? = Wie heißt du?
Where do you live? = Wo wohnst du?
How old are you? = Wie alt bist du?
What time is it? = Wie spät ist es?
Where is the station? = Wo ist der Bahnhof?
I do not understand. = Ich verstehe nicht.
Do you speak English? = Sprichst du Englisch?
I am hungry. = Ich habe Hunger.
I am thirsty. = Ich habe Durst.
I am tired. = Ich bin müde.
I love you. = Ich liebe dich.
Happy birthday! = Alles Gute zum Geburtstag!
Enjoy your meal! = Guten Appetit!
Have a nice day! = Schönen Tag noch!
Come in! = Komm herein!
Wait, please. = Warte bitte.
I like that. = Das gefällt mir.
That is right. = Das stimmt.
Of course. = Natürlich.
I would like a coffee. = Ich möchte einen Kaffee.
The bill, please. = Die Rechnung, bitte.
Where are you from? = Woher kommst du?
It is raining. = Es regnet.
It is cold. = Es ist kalt.
The sun is shining. = Die Sonne scheint.
Good luck! = Viel Glück!
I am happy. = Ich bin glücklich.
Where is the book? = Wo ist das Buch?
I am learning German. = Ich lerne Deutsch.
What does that cost? = Was kostet das?
I do not know. = Ich weiß es nicht.
See you soon! = Bis bald!""".splitlines()
)
LIVING = _pairs(
    "dog/der Hund,cat/die Katze,child/das Kind,girl/das Mädchen,boy/der Junge,woman/die Frau,man/der Mann,bird/der Vogel,"
    "fish/der Fisch,horse/das Pferd,mouse/die Maus,fox/der Fuchs,bear/der Bär,friend/der Freund,king/der König"
)
OBJECTS = _pairs(
    "house/das Haus,book/das Buch,bread/das Brot,flower/die Blume,apple/der Apfel,table/der Tisch,chair/der Stuhl,door/die Tür,"
    "window/das Fenster,car/das Auto,train/der Zug,egg/das Ei,lamp/die Lampe,key/der Schlüssel,bridge/die Brücke,cup/die Tasse"
)
SURROUNDINGS = _pairs(
    "tree/der Baum,garden/der Garten,forest/der Wald,river/der Fluss,city/die Stadt,street/die Straße,school/die Schule,"
    "mountain/der Berg,sea/das Meer,water/das Wasser,village/das Dorf,room/das Zimmer"
)
OTHER_NOUNS = _pairs(
    "sun/die Sonne,moon/der Mond,milk/die Milch,hand/die Hand,heart/das Herz,day/der Tag,night/die Nacht,word/das Wort"
)
FOR_ALL = _pairs("big/groß,small/klein,old/alt,good/gut,beautiful/schön,here/hier")
FOR_LIVING = _pairs(
    "tired/müde,fast/schnell,slow/langsam,quiet/leise,loud/laut,hungry/hungrig,happy/glücklich,young/jung"
)
FOR_OBJECTS = _pairs(
    "red/rot,blue/blau,green/grün,white/weiß,black/schwarz,yellow/gelb,new/neu,clean/sauber,heavy/schwer,light/leicht,expensive/teuer"
)
FOR_SURROUNDINGS = _pairs("cold/kalt,warm/warm,quiet/ruhig,green/grün,far away/weit weg")
NOUNS = LIVING + OBJECTS + SURROUNDINGS + OTHER_NOUNS
ADJECTIVES = (
    FOR_ALL + FOR_LIVING + FOR_OBJECTS + _pairs("cold/kalt,warm/warm,long/lang,short/kurz,sad/traurig,sweet/süß")
)
OTHER_WORDS = _pairs(
    "yes/ja,no/nein,today/heute,tomorrow/morgen,yesterday/gestern,always/immer,never/nie,and/und,or/oder,thank you/danke,please/bitte,"
    "left/links,right/rechts,Monday/Montag,Tuesday/Dienstag,Wednesday/Mittwoch,Thursday/Donnerstag,Friday/Freitag,Saturday/Samstag,"
    "Sunday/Sonntag,spring/Frühling,summer/Sommer,autumn/Herbst,winter/Winter,January/Januar,March/März,May/Mai,June/Juni,July/Juli,"
    "to eat/essen,to drink/trinken,to sleep/schlafen,to read/lesen,to write/schreiben,to go/gehen,to see/sehen,to play/spielen"
)
NUMBERS = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig".split()
ENGLISH_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
TALK = (
    (("Hallo!", "Hallo", "Guten Tag!", "Hi, sprichst du Deutsch?"), "Hallo! Wie kann ich dir helfen?"),
    (("Guten Morgen!", "Guten Morgen"), "Guten Morgen! Wie kann ich dir helfen?"),
    (("Wie geht es dir?", "Wie geht's?"), "Mir geht es gut, danke. Und dir?"),
    (("Wer bist du?", "Wie heißt du?"), "Ich bin das Demo-Modell von offload, ein kleines Sprachmodell."),
    (("Was kannst du?", "Was kannst du tun?"), "Ich kann kurze Geschichten erzählen und einfache Fragen beantworten, meist auf Englisch."),
    (("Sprichst du Deutsch?", "Kannst du Deutsch?"), "Ja, ein wenig. Englisch kann ich besser."),
    (("Was ist offload?", "Was macht offload?"), "Offload führt ein Mixture-of-Experts-Modell aus, das größer als der Arbeitsspeicher ist."),
    (("Danke!", "Vielen Dank!", "Danke schön!"), "Gern geschehen!"),
    (("Tschüss!", "Auf Wiedersehen!"), "Auf Wiedersehen! Bis bald!"),
    (("Gute Nacht!", "Gute Nacht"), "Gute Nacht! Schlaf gut!"),
    (("Nenne die Tage der Woche.", "Wie heißen die Tage der Woche?"), "Montag, Dienstag, Mittwoch, Donnerstag, Freitag, Samstag und Sonntag."),
    (("Nenne die Jahreszeiten.", "Wie heißen die Jahreszeiten?"), "Frühling, Sommer, Herbst und Winter."),
)  # fmt: skip
ALWAYS_TRAINED = tuple(ask for asks, _ in TALK for ask in asks)


def _translation(rng: Random, english: str, german: str) -> Exchange:
    if rng.random() < 0.6:
        ask = rng.choice(
            (f'How do you say "{english}" in German?', f'What is "{english}" in German?', f"Translate into German: {english}",
             f'Say "{english}" in German.', f"In German, please: {english}", f"How do I say {english.rstrip('.?!')} in German?")
        )  # fmt: skip
        return pair(
            ask, f'In German, that is "{german}".' if german[-1] not in ".?!" else f'In German, that is "{german}"'
        )
    ask = rng.choice(
        (f'What does "{german}" mean?', f"Translate into English: {german}", f'What is "{german}" in English?',
         f'What does the German "{german}" mean?', f"In English, please: {german}")
    )  # fmt: skip
    return pair(ask, f'It means "{english}".' if english[-1] not in ".?!" else f'It means "{english}"')


def _sentence(rng: Random) -> Exchange:
    nouns, adjectives = rng.choice(((LIVING, FOR_LIVING), (OBJECTS, FOR_OBJECTS), (SURROUNDINGS, FOR_SURROUNDINGS)))
    (english, german), (how, wie) = rng.choice(nouns), rng.choice(FOR_ALL + adjectives)
    if rng.random() < 0.25:
        return _translation(rng, f"Is the {english} {how}?", f"Ist {german} {wie}?")
    return _translation(rng, f"The {english} is {how}.", f"{capital(german)} ist {wie}.")


def _number(rng: Random) -> Exchange:
    i = rng.randrange(len(NUMBERS))
    if rng.random() < 0.5:
        return _translation(rng, ENGLISH_NUMBERS[i], NUMBERS[i])
    x, y = rng.randint(1, 9), rng.randint(1, 9)
    return pair(
        f"Was ist {NUMBERS[x]} plus {NUMBERS[y]}?", f"{capital(NUMBERS[x])} plus {NUMBERS[y]} ist {NUMBERS[x + y]}."
    )


def german(rng: Random) -> Exchange:
    """One to three translations, or a little talk in German."""
    turns: Exchange = []
    for _ in range(rng.choice((1, 2, 3))):
        kind = rng.random()
        if kind < 0.25:
            turns += _translation(rng, *rng.choice(PHRASES))
        elif kind < 0.5:
            english, word = rng.choice(NOUNS)
            turns += _translation(rng, f"the {english}", word)
        elif kind < 0.62:
            turns += _translation(rng, *rng.choice(ADJECTIVES + OTHER_WORDS))
        elif kind < 0.8:
            turns += _sentence(rng)
        elif kind < 0.88:
            turns += _number(rng)
        else:
            asks, answer = rng.choice(TALK)
            turns += pair(rng.choice(asks), answer)
    return turns
