"""The words for every sound class: kinds of sound within it, and ways to ask for each.

A kind is (pattern over the cleaned label, phrases). A recording whose label matches no kind of its
class is captioned by its label alone, so that nothing is ever called what it is not.
"""

TEMPLATES: tuple[str, ...] = (
    *(("{}",) * 8),
    "the sound of {}",
    "sound effect: {}",
    "{}, close recording",
    "{}, foley",
    "a recording of {}",
    "{} sound",
    "{} sound effect",
    "we hear {}",
)

Kinds = tuple[tuple[str, tuple[str, ...]], ...]

KINDS: dict[str, Kinds] = {
    "dog": (
        ("", (
            "dog", "dog barking", "a dog barks", "a dog barks twice", "hound barking", "dog bark", "big dog barking", "puppy barking",
            "small dog yapping", "dog woofs", "a barking dog", "guard dog barks loudly", "dog barking in the distance", "dogs barking",
            "a dog barks at a stranger", "terrier yapping", "hound baying", "single dog bark", "angry dog barking", "a pet dog woofing",
            "canine bark", "dog whining",
        )),
    ),
    "rooster": (
        ("", (
            "rooster", "rooster crowing", "a rooster crows", "cock crowing", "cockerel crowing", "cock-a-doodle-doo", "a cock crows at dawn",
            "rooster call", "crowing rooster", "farm rooster", "the rooster crows in the morning", "cockerel", "a rooster's cry",
            "crow of a rooster", "bantam rooster crowing", "cock's crow", "rooster on a farm", "rooster crows loudly",
            "rooster call at sunrise", "a loud cockerel",
        )),
    ),
    "crying_baby": (
        ("", (
            "crying baby", "baby crying", "a baby cries", "infant crying", "newborn wailing", "a wailing infant", "baby sobbing",
            "toddler crying", "a small child cries", "baby screams and cries", "baby weeping", "upset baby", "hungry baby crying",
            "a baby wails", "baby bawling", "infant's cry", "newborn baby cries", "a little child sobs", "baby whimpers and cries", "baby fussing",
        )),
    ),
    "sneezing": (
        ("", (
            "sneezing", "sneeze", "a person sneezes", "a man sneezes", "a woman sneezes", "achoo", "loud sneeze", "someone sneezing",
            "single sneeze", "human sneeze", "a sudden sneeze", "sneezing person", "a violent sneeze", "sneezes twice", "hay fever sneeze",
            "somebody sneezes", "a quick sneeze", "a wet sneeze", "sneeze with breath before it", "person with a cold sneezing",
        )),
    ),
    "voice": (
        (r"bird|budgie|robin|canary|parrot|chick\b|chirp|tropical: bird|cardinal|crow\b|seagull|goose|duck|pigeon|quail|hoot|owl|peacock|turkey", (
            "bird", "bird call", "birds singing", "bird song", "a bird chirps", "birds chirping", "songbird", "a bird calls",
        )),
        (r"growl|roar|snarl|bear|leopard|tiger|lion\b|gorilla|jaguar|monster|dragon", (
            "animal growl", "beast growling", "a big cat roars", "wild animal roaring", "creature growls", "a beast snarls", "monster growl",
        )),
        (r"scream|hurt|wilhelm|groan|pain|zombie|death", (
            "person screaming", "a cry of pain", "a scream", "groaning voice", "someone groans", "human cry", "a shriek",
        )),
        (r"laugh|gasp|sigh|yawn|cough|snor|grunt|breath|whisper|effort", (
            "human voice", "a person's voice without words", "vocal effort", "a person breathes out", "mouth noise",
        )),
        (r"chew|munch|eat|bite|crunch", ("eating", "chewing food", "someone eats", "munching", "a person chews", "biting food")),
        (r"insect|bees?\b|bumble bee|flies|cricket|cicada|mosquito|grasshopper|buzz", (
            "insects", "insect buzzing", "crickets chirping", "flies buzzing", "a swarm of insects",
        )),
        (r"cow|moo|sheep|goat|horse|pig|donkey|lamb|llama|camel|bleat|neigh|snort", (
            "farm animal", "a farm animal calls", "livestock", "animal call", "an animal snorts",
        )),
        (r"cat |meow|hiss|wolf|howl|squeak|bat|frog|monkey|animal", ("animal noise", "an animal's voice", "animal cry", "creature sound")),
    ),
    "rain": (
        ("", (
            "rain", "rain falling", "raining", "heavy rain", "light rain", "steady rain", "rainfall", "rain shower", "rain on a roof",
            "rain on leaves", "downpour", "pouring rain", "it is raining", "rain pattering", "drizzle", "rain storm", "raindrops falling",
            "rain on the window", "rain in the street", "a rainy day", "rain hitting the ground",
        )),
    ),
    "sea_waves": (
        ("", (
            "sea waves", "ocean waves", "waves on a beach", "surf", "the sea", "waves breaking on the shore", "ocean surf", "waves crashing",
            "sea shore", "waves rolling in", "seaside", "a wave breaks", "gentle waves", "ocean", "waves washing over sand", "breakers",
            "the tide comes in", "beach waves", "rough sea", "waves lapping at the shore", "surf on pebbles",
        )),
    ),
    "water": (
        (r"splash|swim|fish|wad|plop|bucket", (
            "water splash", "splashing water", "something splashes into water", "a splash", "swimming in water", "big splash",
        )),
        (r"drip|drop|leak", ("dripping water", "water drips", "drops of water falling", "a leaking tap", "water dripping in a cave")),
        (r"stream|river|creek|flow|waterfall|fountain|trickl", (
            "water stream", "flowing water", "a river flows", "a small waterfall", "a creek", "running water", "brook", "water flowing over stones",
        )),
        (r"bubbl|boil|underwater|div|scuba|glug|swirl", ("bubbling water", "underwater bubbles", "bubbles", "boiling water", "underwater")),
        (r"flush|toilet|drain|shower|faucet|pour|plunger|soda", (
            "toilet flush", "water running from a tap", "pouring water", "shower running", "water draining away",
        )),
        (r"water", ("water", "water sound")),
    ),
    "crackling_fire": (
        (r"crackl|fireplace|fire$|burning|camp|torch|fire fire|large fire", (
            "crackling fire", "fire crackling", "campfire", "fireplace", "a fire burns", "wood fire", "burning wood", "bonfire", "log fire",
            "fire burning in a hearth", "flames crackle", "open fire", "burning logs", "embers crackle", "a camp fire at night", "fire",
            "a wood stove burning",
        )),
        (r"fuse", ("burning fuse", "a fuse burns", "fuse hissing")),
        (r"sizzl|lava|match|smoke", ("sizzling", "something sizzles on fire", "burning and hissing")),
        (r"furnace|flame", ("furnace fire roaring", "roaring flames", "fire roaring")),
    ),
    "air": (
        (r"wind|gust|snowstorm|breeze", (
            "wind", "wind blowing", "howling wind", "strong wind", "windy", "a gust of wind", "wind in the trees", "storm wind", "breeze",
            "wind whistling through a gap",
        )),
        (r"swing|swish|swoosh|woosh|whoosh|throw|slash|whizz|sword|dodge|knife", (
            "whoosh", "swoosh", "something swings through the air", "air whoosh", "fast swish", "sword swing", "a quick swish", "stick swung past",
        )),
        (r"arrow|bow|javelin", ("arrow shot", "an arrow flies past", "bow releases an arrow")),
        (r"fire|flame|burst", ("fireball whoosh", "burst of flame", "flames whoosh up")),
        (r"jet|steam|gas|hiss|air", ("air rushing", "jet of air", "hissing air", "jet flying past", "steam hissing")),
    ),
    "clock_tick": (
        ("", (
            "clock ticking", "clock tick", "ticking clock", "a clock ticks", "wall clock", "pocket watch ticking", "tick tock", "watch ticking",
            "grandfather clock", "the tick of a clock", "clock", "a kitchen clock ticking", "mechanical clock", "alarm clock ticking",
            "slow ticking", "steady ticking of a clock", "a timer ticks", "wristwatch ticking", "old clock ticking in a quiet room",
            "ticks of a clock",
        )),
    ),
    "click": (
        (r"typing", ("typing on a keyboard", "keyboard typing", "someone types on a computer", "typing fast", "computer keyboard")),
        (r"key|backspace|enter|space bar", (
            "key press", "keyboard key", "a key on a keyboard is pressed", "keyboard click", "one keystroke", "computer key",
        )),
        (r"switch|button|toggle|select|tick|click|scroll|menu", (
            "click", "switch", "button click", "light switch", "a switch is flipped", "button pressed", "mouse click", "short click", "tick",
        )),
        (r"latch|lock|turned|zippo|shutter|trap", ("latch click", "lock clicks", "a small mechanism clicks", "camera shutter")),
    ),
    "helicopter": (
        ("", (
            "helicopter", "helicopter flying", "a helicopter passes overhead", "helicopter rotor", "chopper", "helicopter hovering", "rotor blades",
            "a chopper flies by", "helicopter in the sky", "military helicopter", "rescue helicopter", "rotorcraft", "helicopter approaching",
            "helicopter blades beating", "helicopter taking off", "helicopter engine", "hovering chopper", "helicopter landing",
            "distant helicopter", "helicopter circling",
        )),
    ),
    "chainsaw": (
        ("", (
            "chainsaw", "chain saw", "chainsaw cutting wood", "a chainsaw revs", "chainsaw running", "cutting a tree with a chainsaw",
            "motor saw", "power saw cutting", "lumberjack's chainsaw", "petrol chainsaw", "chainsaw idling", "chainsaw starts",
            "gas powered saw", "chainsaw motor", "sawing with a chainsaw", "chainsaw in a forest", "buzzing chainsaw",
            "chainsaw at full throttle", "loud chainsaw", "chainsaw cutting through a log",
        )),
    ),
    "machine": (
        (r"engine|motor|car |truck|bus|vehicle|diesel|road|traffic|motorcycle", (
            "engine", "engine running", "car engine", "motor running", "a truck drives", "engine idling", "vehicle engine", "car driving by",
        )),
        (r"drill|saw|hammer|cutter|jack|tool|construction|grind|press", (
            "power tool", "drill running", "circular saw", "electric saw", "workshop machine", "grinder", "a drill drills",
        )),
        (r"fan\b|fans\b|hum\b|humming|generator|server|vacuum|electric|arc|buzz|spark|transformer", (
            "electric hum", "electrical buzz", "humming machine", "a steady hum",
        )),
        (r"machine|print|pump|pneumatic|hydraul|piston|elevator|conveyor|gear|motor whirr", (
            "machine running", "machinery", "factory machine", "a machine works", "industrial machine", "mechanical noise",
        )),
        (r"train|rail|propeller|plane|jet|boat|prop", ("train on rails", "propeller plane", "train passing", "aeroplane engine")),
    ),
    "footstep": (
        (r"gravel|sand|rock|stone|ice", ("footsteps on gravel", "walking on gravel", "boots crunching on stones", "steps on sand")),
        (r"grass|leaves|dirt|mud", ("footsteps on grass", "walking through leaves", "steps on earth", "footsteps in a field")),
        (r"wood|floor|carpet|concrete|tile|barefoot|metal|hard", (
            "footsteps on a wooden floor", "footsteps on concrete", "walking indoors", "steps in a corridor", "footsteps on a hard floor",
        )),
        (r"snow", ("footsteps in snow", "walking in snow", "boots crunching in snow")),
        (r"hoof|gallop|horse", ("hoofs", "horse galloping", "hoof steps")),
        (r"stomp|land|thud", ("foot stomp", "stamping feet", "landing on the feet after a jump", "stomping", "heavy step")),
        (r"footstep|step|walk|boot|foot", (
            "footsteps", "footstep", "a single footstep", "someone walks", "walking", "person walking", "steps", "a person walks slowly",
            "running footsteps", "shoes on the ground", "heavy footsteps",
        )),
        (r"squish|slime|water|jelly", ("wet footstep", "squishy step", "stepping into mud", "footsteps in water")),
    ),
    "wood": (
        (r"door|close|open|slam|knock|gate|chest", (
            "door", "door slams", "door closes", "wooden door shuts", "a door opens", "door slam", "heavy door closing", "knocking on a door",
            "knock on wood", "chest lid closes",
        )),
        (r"creak", ("creaking door", "wood creaks", "creaky hinge", "old floorboard creaking", "door creaks open")),
        (r"break|crack|destroy|crash|snap|smash|fall", ("wood breaking", "wood cracks", "branch snapping", "a plank splinters", "crate smashed")),
        (r"chop|axe|tree|lumber", ("chopping wood", "axe hitting a tree", "axe chops", "tree falling")),
        (r"wood|bamboo|log|plank|hit|placed", (
            "wood hit", "wooden impact", "knock on wood", "wooden thud", "wood block struck", "a plank is dropped", "hitting wood",
        )),
    ),
    "hard": (
        (r"glass|bottle|window|ceramic|crystal|flask", (
            "glass breaking", "glass shatters", "window smashed", "breaking glass", "bottle breaks", "glass clink", "plate shatters",
        )),
        (r"metal|clang|clank|anvil|sword|pickaxe|chain|hammer|shield|trash can|clatter", (
            "metal hit", "metal impact", "metallic clang", "metal clank", "iron struck", "hammer on metal", "metal object dropped", "clanging metal",
        )),
        (r"rock|stone|brick|concrete|wall|debris|ice|gate|lever", (
            "stone impact", "rocks falling", "stone hit", "rock breaks", "bricks crumble", "stone slab moved", "stone scraping on stone",
        )),
        (r"crash|impact|hit", ("hard impact", "crash", "a hard object is struck")),
    ),
    "handling": (
        (r"cloth|rustle|belt|bag|leather|canvas|zipper|clothes", (
            "cloth rustle", "clothes rustling", "fabric moving", "jacket rustle", "bag opened", "leather creaks", "zipper",
        )),
        (r"paper|page|book|card|writ|pen|erase|stamp", (
            "paper rustling", "turning pages", "page turned", "paper crumpled", "shuffling cards", "writing on paper", "book closed",
        )),
        (r"leaves|grass|plant", ("leaves rustling", "foliage rustles", "pushing through a bush")),
        (r"reload|cock|gun|load|pistol|rifle|weapon|shotgun", ("gun cocked", "weapon handling", "rifle reloaded", "gun reload")),
        (r"coin|keys|dice|die|chip", ("coins jingling", "keys jingle", "dice rolled", "small things rattle in a hand")),
        (r"scrape|balloon|plastic|tape|bow|rub|picked|handled|sheath|drawn", (
            "object handled", "something is picked up", "gear handled", "scraping", "hands move an object",
        )),
    ),
    "boom": (
        (r"gun|shot|pistol|rifle|burst|fire$|estoc|mateba|sniper|minigun|ar fire", (
            "gunshot", "gun fired", "pistol shot", "rifle shot", "a gun goes off", "shooting", "shots fired", "gunfire", "machine gun burst",
        )),
        (r"explo|bomb|grenade|mine|missile|rocket|launch|blast|crash", (
            "explosion", "bomb explodes", "big explosion", "blast", "distant explosion", "detonation", "something explodes", "rocket launch",
        )),
        (r"thunder|lightning", ("thunder", "thunder clap", "thunder rolls", "lightning strike", "rumbling thunder")),
        (r"firework", ("fireworks", "firework explodes", "firecracker", "fireworks in the sky")),
    ),
}  # fmt: skip

PHRASES: dict[str, tuple[str, ...]] = {
    name: tuple(dict.fromkeys(phrase for _, phrases in kinds for phrase in phrases)) for name, kinds in KINDS.items()
}
"""Class -> all its phrases, each once."""
