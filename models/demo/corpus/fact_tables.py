"""The facts themselves, as tables. Keys and values are words as they stand in a sentence."""


def _pairs(text: str) -> dict[str, str]:
    """Read ``key: value`` pairs that are set apart by semicolons."""
    entries = (entry.strip().partition(": ") for entry in text.split(";"))
    return {key: value for key, _, value in entries}


OPPOSITES = tuple(
    (pair.split("/")[0], pair.split("/")[1])
    for pair in (
        "hot/cold big/small fast/slow day/night up/down left/right happy/sad open/closed full/empty hard/soft bright/dark wet/dry "
        "high/low long/short thick/thin near/far early/late loud/quiet clean/dirty rich/poor strong/weak good/bad correct/wrong "
        "first/last in/out on/off black/white wide/narrow deep/shallow easy/difficult true/false heavy/light sweet/sour "
        "smooth/rough awake/asleep alive/dead begin/end buy/sell give/take push/pull remember/forget win/lose laugh/cry love/hate "
        "inside/outside above/below before/after always/never brave/afraid safe/dangerous cheap/expensive old/young friend/enemy "
        "yes/no here/there top/bottom front/back question/answer summer/winter north/south east/west more/less many/few "
        "arrive/leave start/stop ask/reply kind/cruel polite/rude tidy/messy warm/cool simple/complex peace/war "
        "hello/goodbye together/apart visible/hidden same/different possible/impossible"
    ).split()
)
CAPITALS = _pairs(
    "France: Paris; Germany: Berlin; Italy: Rome; Spain: Madrid; England: London; Japan: Tokyo; China: Beijing; Russia: Moscow; "
    "Egypt: Cairo; Greece: Athens; Austria: Vienna; Poland: Warsaw; Norway: Oslo; Sweden: Stockholm; Finland: Helsinki; "
    "Denmark: Copenhagen; Portugal: Lisbon; Ireland: Dublin; Canada: Ottawa; India: New Delhi; Kenya: Nairobi; Peru: Lima; "
    "Cuba: Havana; Hungary: Budapest; Turkey: Ankara; Brazil: Brasília; Argentina: Buenos Aires; Australia: Canberra"
)
CONTINENTS = _pairs(
    "France: Europe; Germany: Europe; Italy: Europe; Spain: Europe; Japan: Asia; China: Asia; Egypt: Africa; Greece: Europe; "
    "Austria: Europe; Poland: Europe; Norway: Europe; Sweden: Europe; Finland: Europe; Canada: North America; India: Asia; "
    "Kenya: Africa; Peru: South America; Brazil: South America; Argentina: South America; Mexico: North America; "
    "Nigeria: Africa; Morocco: Africa; Vietnam: Asia; Thailand: Asia; Chile: South America; Portugal: Europe"
)
COLOUR_OF = _pairs(
    "grass: green; the sky: blue; snow: white; a banana: yellow; a tomato: red; coal: black; an orange: orange; a carrot: orange; "
    "a lemon: yellow; milk: white; a strawberry: red; chocolate: brown; a plum: purple; an elephant: grey; a frog: green; "
    "a flamingo: pink; the sea: blue; a cherry: red; a crow: black; a polar bear: white; a leaf: green; the sun: yellow; "
    "a pumpkin: orange; a violet: purple; a bear: brown; rice: white; blood: red; a cucumber: green; a pig: pink; a mouse: grey; "
    "salt: white; wood: brown; a swan: white; the night: black; a pea: green; butter: yellow"
)
SOUND_OF = _pairs(
    "dog: barks; cat: meows; cow: moos; duck: quacks; sheep: bleats; lion: roars; frog: croaks; horse: neighs; owl: hoots; "
    "bee: buzzes; snake: hisses; wolf: howls; pig: oinks; mouse: squeaks; hen: clucks; bird: sings; donkey: brays; crow: caws; "
    "bear: growls; rooster: crows; dove: coos"
)
YOUNG_OF = _pairs(
    "dog: puppy; cat: kitten; cow: calf; sheep: lamb; hen: chick; horse: foal; duck: duckling; goose: gosling; lion: cub; "
    "frog: tadpole; goat: kid; pig: piglet; bear: cub; deer: fawn; swan: cygnet; kangaroo: joey; owl: owlet; seal: pup; "
    "wolf: pup; tiger: cub; fox: cub; rabbit: kit"
)
LEGS_OF = _pairs(
    "dog: four; cat: four; cow: four; bird: two; spider: eight; ant: six; bee: six; horse: four; duck: two; fish: no; snake: no; "
    "sheep: four; person: two; hen: two; fly: six; lion: four; crab: ten; beetle: six; frog: four; worm: no; pig: four; "
    "butterfly: six; owl: two; mouse: four; penguin: two"
)
HOME_OF = _pairs(
    "bee: in a hive; bird: in a nest; fox: in a den; rabbit: in a burrow; fish: in the water; spider: in a web; cow: in a barn; "
    "dog: in a kennel; mole: under the ground; penguin: in the south; camel: in the desert; monkey: in the trees; ant: in an anthill; "
    "horse: in a stable; pig: in a sty; whale: in the sea; bear: in a cave; squirrel: in a tree; frog: by the pond; hen: in a coop; "
    "beaver: in a lodge; snail: in its shell"
)
EATS = _pairs(
    "cow: grass; rabbit: carrots; panda: bamboo; monkey: bananas; squirrel: nuts; cat: mice; lion: meat; bee: nectar; horse: hay; "
    "hen: corn; frog: flies; koala: leaves; penguin: fish; mouse: cheese; owl: mice; goat: grass; duck: plants; wolf: meat; "
    "bear: berries; anteater: ants; seal: fish; caterpillar: leaves"
)
USED_FOR = _pairs(
    "a knife: to cut bread; a pen: to write; a lamp: to give light; an umbrella: to stay dry in the rain; a key: to open a lock; "
    "a bed: to sleep in; a clock: to tell the time; a boat: to travel on water; a broom: to sweep the floor; a spoon: to eat soup; "
    "a hammer: to drive nails; a map: to find the way; a cup: to drink from; a needle: to sew cloth; a ladder: to climb up high; "
    "a coat: to keep warm; a book: to read; a bell: to call people; a basket: to carry things; a rope: to tie things together; "
    "a telephone: to talk with people far away; a camera: to take pictures; a bridge: to cross a river; soap: to wash our hands; "
    "a chair: to sit on; a mirror: to see ourselves; a saw: to cut wood; a pot: to cook in; a towel: to dry ourselves; "
    "a comb: to tidy our hair; a ruler: to measure length; an oven: to bake bread; a stamp: to send a letter; glasses: to see better"
)
MADE_OF = _pairs(
    "bread: flour and water; a window: glass; a candle: wax; cheese: milk; paper: wood; a table: wood; a ring: gold; butter: milk; "
    "a tyre: rubber; a shoe: leather; a jumper: wool; ice: water; jam: fruit and sugar; a brick: clay; a nail: iron; wine: grapes; "
    "chocolate: cocoa and sugar; an omelette: eggs; a bottle: glass; a coin: metal; a T-shirt: cotton; juice: fruit"
)
JOBS = _pairs(
    "bakes bread: baker; grows corn: farmer; teaches children: teacher; helps sick people: doctor; puts out fires: firefighter; "
    "flies a plane: pilot; cuts hair: hairdresser; repairs cars: mechanic; paints pictures: painter; writes books: writer; "
    "makes clothes: tailor; catches fish: fisher; builds houses: builder; brings letters: postman; cooks meals: cook; sells meat: butcher; "
    "looks after teeth: dentist; grows flowers: gardener; drives a bus: bus driver; sings songs: singer; helps sick animals: vet; "
    "makes furniture: carpenter"
)
KINDS = _pairs(
    "a rose: flower; a tulip: flower; an oak: tree; a pine: tree; a hammer: tool; a saw: tool; a violin: musical instrument; "
    "a piano: musical instrument; a trumpet: musical instrument; a sparrow: bird; an eagle: bird; a robin: bird; a salmon: fish; "
    "a shark: fish; a trout: fish; an ant: insect; a beetle: insect; a butterfly: insect; a potato: vegetable; a carrot: vegetable; "
    "an onion: vegetable; an apple: fruit; a pear: fruit; a banana: fruit; football: sport; tennis: sport; swimming: sport; chess: game; "
    "a bus: vehicle; a car: vehicle; a bicycle: vehicle; a chair: piece of furniture; a sofa: piece of furniture; Mars: planet; "
    "Venus: planet; Jupiter: planet; gold: metal; iron: metal; silver: metal; English: language; German: language; Spanish: language; "
    "a shirt: piece of clothing; a sock: piece of clothing; the Nile: river; the Rhine: river; a whale: mammal; a cat: mammal"
)
PLURALS = _pairs(
    "mouse: mice; child: children; foot: feet; tooth: teeth; man: men; woman: women; goose: geese; sheep: sheep; fish: fish; ox: oxen; "
    "person: people; leaf: leaves; knife: knives; wolf: wolves; wife: wives; life: lives; shelf: shelves; half: halves; city: cities; "
    "baby: babies; berry: berries; story: stories; party: parties; lady: ladies; box: boxes; fox: foxes; bus: buses; glass: glasses; "
    "dish: dishes; church: churches; watch: watches; potato: potatoes; tomato: tomatoes; cat: cats; dog: dogs; book: books; tree: trees; "
    "house: houses; key: keys; day: days; boy: boys; lamp: lamps; bird: birds; apple: apples; photo: photos; deer: deer"
)
PAST = _pairs(
    "go: went; see: saw; eat: ate; drink: drank; sing: sang; run: ran; swim: swam; write: wrote; read: read; take: took; give: gave; "
    "come: came; find: found; think: thought; buy: bought; bring: brought; make: made; say: said; tell: told; know: knew; fly: flew; "
    "fall: fell; sleep: slept; speak: spoke; sit: sat; stand: stood; win: won; lose: lost; begin: began; break: broke; catch: caught; "
    "teach: taught; walk: walked; play: played; help: helped; look: looked; ask: asked; jump: jumped; love: loved; try: tried; carry: carried"
)
SIDES = _pairs("triangle: three; square: four; rectangle: four; pentagon: five; hexagon: six; octagon: eight")
PLAIN_FACTS = tuple(
    (tuple(asks.split(" | ")), answer, key)
    for asks, answer, key in (
        ("How many days are in a week? | How many days does a week have? | Tell me how many days a week has.", "A week has seven days.", "seven"),
        ("How many months are in a year? | How many months does a year have? | Tell me how many months a year has.", "A year has twelve months.", "twelve"),
        ("How many hours are in a day? | How many hours does a day have? | Tell me how many hours a day has.", "A day has twenty-four hours.", "twenty-four"),
        ("How many minutes are in an hour? | How many minutes does an hour have? | Tell me how many minutes an hour has.", "An hour has sixty minutes.", "sixty"),
        ("How many seconds are in a minute? | How many seconds does a minute have? | Tell me how many seconds a minute has.", "A minute has sixty seconds.", "sixty"),
        ("How many days are in a year? | How many days does a year have? | Tell me how many days a year has.", "A year has 365 days, and a leap year has 366.", "365"),
        ("How many weeks are in a year? | How many weeks does a year have? | Tell me how many weeks a year has.", "A year has fifty-two weeks.", "fifty-two"),
        ("How many seasons are there? | How many seasons does a year have? | Name the seasons.", "The four seasons are spring, summer, autumn and winter.", "spring, summer, autumn and winter"),
        ("How many letters are in the alphabet? | How many letters does the alphabet have? | Tell me how many letters there are.", "The English alphabet has twenty-six letters.", "twenty-six"),
        ("How many fingers does a hand have? | How many fingers are on a hand? | How many fingers has a hand?", "A hand has five fingers.", "five"),
        ("Name the days of the week. | What are the days of the week? | List the days of the week. | Which days does a week have?", "The days of the week are Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.", "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday"),
        ("Name the months of the year. | What are the months of the year? | List the months. | Which months does a year have?", "The months are January, February, March, April, May, June, July, August, September, October, November and December.", "October, November and December"),
        ("What do bees make? | What do we get from bees? | Which food comes from bees?", "Bees make honey.", "honey"),
        ("What do cows give us? | What do we get from cows? | Which drink comes from cows?", "Cows give us milk.", "milk"),
        ("What do hens lay? | What do we get from hens? | What does a hen lay?", "Hens lay eggs.", "eggs"),
        ("What do sheep give us? | What do we get from sheep? | What grows on sheep?", "Sheep give us wool.", "wool"),
        ("What is ice? | Explain ice. | Tell me what ice is.", "Ice is frozen water.", "frozen water"),
        ("What is rain? | Explain rain. | Tell me what rain is.", "Rain is water that falls from the clouds.", "clouds"),
        ("What is the sun? | Explain the sun. | Tell me what the sun is.", "The sun is a star that gives us light and warmth.", "star"),
        ("What is the moon? | Explain the moon. | Tell me what the moon is.", "The moon goes around the Earth, and we see it at night.", "around the Earth"),
        ("What do plants need? | What does a plant need to grow? | What do plants need to grow?", "Plants need water, light and air.", "water, light and air"),
        ("Why do we sleep? | Why do people sleep? | Why do we need sleep?", "We sleep so that the body and the mind can rest.", "rest"),
        ("What is a computer? | Explain what a computer is. | Tell me what a computer is.", "A computer is a machine that works with numbers and text.", "machine"),
        ("Where does the sun rise? | In which direction does the sun rise? | Where does the sun come up?", "The sun rises in the east.", "east"),
        ("Where does the sun set? | In which direction does the sun set? | Where does the sun go down?", "The sun sets in the west.", "west"),
        ("What is the largest animal? | Which animal is the largest? | Name the largest animal.", "The largest animal is the blue whale.", "blue whale"),
        ("What is the tallest animal? | Which animal is the tallest? | Name the tallest animal.", "The tallest animal is the giraffe.", "giraffe"),
        ("What is the fastest land animal? | Which land animal is the fastest? | Name the fastest land animal.", "The fastest land animal is the cheetah.", "cheetah"),
        ("What is the largest ocean? | Which ocean is the largest? | Name the largest ocean.", "The largest ocean is the Pacific Ocean.", "Pacific"),
        ("What is the highest mountain? | Which mountain is the highest? | Name the highest mountain.", "The highest mountain is Mount Everest.", "Everest"),
        ("What is the planet we live on? | On which planet do we live? | Which planet is our home?", "We live on the planet Earth.", "Earth"),
        ("What is the largest planet? | Which planet is the largest? | Name the largest planet.", "The largest planet is Jupiter.", "Jupiter"),
        ("At what temperature does water freeze? | When does water freeze? | At how many degrees does water freeze?", "Water freezes at zero degrees Celsius.", "zero"),
        ("At what temperature does water boil? | When does water boil? | At how many degrees does water boil?", "Water boils at one hundred degrees Celsius.", "one hundred"),
        ("What colours are in a rainbow? | Which colours does a rainbow have? | Name the colours of the rainbow.", "A rainbow is red, orange, yellow, green, blue, indigo and violet.", "red, orange, yellow, green, blue, indigo and violet"),
        ("Which colours make green? | How do you mix green? | What makes green?", "Blue and yellow make green.", "blue and yellow"),
        ("Which colours make orange? | How do you mix orange? | What makes orange?", "Red and yellow make orange.", "red and yellow"),
        ("Which colours make purple? | How do you mix purple? | What makes purple?", "Red and blue make purple.", "red and blue"),
        ("What do we see with? | With what do we see? | Which part of the body do we see with?", "We see with our eyes.", "eyes"),
        ("What do we hear with? | With what do we hear? | Which part of the body do we hear with?", "We hear with our ears.", "ears"),
        ("What do we smell with? | With what do we smell? | Which part of the body do we smell with?", "We smell with our nose.", "nose"),
        ("What do we taste with? | With what do we taste? | Which part of the body do we taste with?", "We taste with our tongue.", "tongue"),
    )
)  # fmt: skip
