"""The sound classes: how the recordings' approximate labels are merged and mended, and their words.

Every class has at least five held-out groups of recordings, so that accuracy on it means something.
Recordings that fit no class stay in training without one (percussion, sirens, interface beeps,
ambiences, hand claps).
"""

import csv
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.training.class_phrases import KINDS, PHRASES, TEMPLATES

HELD_OUT_FILE = Path(__file__).with_name("held_out.txt")
LABEL_SHARE = 0.4
"""Share of training captions made from the recording's own label; the others use its class's phrases."""


class Labelled(Protocol):
    """What a caption needs to know of a recording."""

    @property
    def file(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def category(self) -> str: ...


@dataclass(frozen=True)
class SoundClass:
    """One class: ``phrases`` are ways to ask for it, ``categories`` of the index fall to it by default."""

    name: str
    categories: tuple[str, ...]
    phrases: tuple[str, ...]


CATEGORIES: dict[str, tuple[str, ...]] = {
    "dog": ("dog",),
    "rooster": ("rooster",),
    "crying_baby": ("crying_baby",),
    "sneezing": ("sneezing",),
    "voice": ("animal", "human"),
    "rain": ("rain",),
    "sea_waves": ("sea_waves",),
    "water": ("water",),
    "crackling_fire": ("crackling_fire", "fire"),
    "air": ("whoosh", "wind"),
    "clock_tick": ("clock_tick",),
    "click": ("keyboard_switch",),
    "helicopter": ("helicopter",),
    "chainsaw": ("chainsaw",),
    "machine": ("tool_machine", "engine_vehicle", "vehicle_engine"),
    "footstep": ("footstep",),
    "wood": ("door",),
    "hard": ("glass",),
    "handling": ("cloth_object", "cloth_paper"),
    "boom": ("explosion_gun",),
}
"""Class -> the index's categories that belong to it unless a mend says otherwise."""

CLASSES: dict[str, SoundClass] = {
    name: SoundClass(name, categories, PHRASES[name]) for name, categories in CATEGORIES.items()
}

MENDS: tuple[tuple[str, str | None], ...] = (
    # Outside every class: tones, music, bodies used as drums, places, and what only a game would make.
    (r"^ui (?!click|switch|tick|toggle|select|scroll)|menu error|beeper|siren|alarm|\bhorn\b|whistle|doorbell", None),
    (r"\bbells?\b|\bchime|cash register|vinyl|crossing|\bdrum|tabla|snare|conga|bongo|tambourine|maraca|shaker", None),
    (r"perc |percussion|clave|castanet|cajon|darbuka|guitar|newton cradle|cineboom|airlock emergency", None),
    (r"clap\b(?<!thunder clap)|applause|slap\b|snap\b(?<!creature snap)|chest thump|cheek pop|head tap", None),
    (
        r"heartbeat|knuckles|teleport|gene sting|acid sniper|lasergun|elemental fire|ghost|zap zap|geiger|catapult|shovel|scissors|cow milking|plunger",
        None,
    ),
    (r"ambience|ambient|\bcrowd|room tone|sauna|\bcity\b|restaurant|\bnews\b|oops|rubber chicken|toy squeak", None),
    (r"clear night|cloudy night|weather (clear|cloudy|sunny) |weather (snowing|flurries)|earthquake|tornado", None),
    (
        r"melee hit|melee attack|bite hit|bite miss|flesh|organic hit|hit living|punch|body impact|fist|belly|splatter",
        None,
    ),
    (r"ricochet|bullet hit|bullet flyby|squish$|wet (flop|splat|squish)|slimy splat|chalk|fart|spray|\bpop\b", None),
    (r"step on (bones|jingling)|jingling|vaccinator|^bounce|squeaky footstep|robot", None),
    # Misfiled: the label knows better than the category.
    (r"^footstep|boots? footstep|water splash footstep|^steps? (hard|ice|metal|sand|snow|water)", "footstep"),
    (r"hydrolics|motor whirr", "machine"),
    (r"^insect|deal damage|peacock|cardinal", "voice"),
    (
        r"(?<!perc )(?<!trap)door (open|close|creak|knock|unlock)|paper sliding door|^(open|close) door door wood",
        "wood",
    ),
    (r"dog bark|puppy bark|small dog|toy dog|dog whine|^animals wipf (aroof|whine)", "dog"),
    (r"^rooster", "rooster"),
    (r"sneezes|creature sneeze", "sneezing"),
    (r"chainsaw", "chainsaw"),
    (r"helicopter", "helicopter"),
    (r"clock tick|watch tick", "clock_tick"),
    (r"thunder ?(clap|\d|$)|lightning|thunder (far|near)|plane crash", "boom"),
    (r"\brain|drizzle|heavyrain|pitter patter|thunderstorm|storm rain|thunder storm", "rain"),
    (r"sea wave|ocean wave|\bbeach|^waves", "sea_waves"),
    (r"hoof|gallop|landing on feet|largethud|foot stomp|hop step|armor steps|plmove walk", "footstep"),
    (r"fireball|flame ?thrower|flame burst|fire (blast|flare|ignition|inflame|blowout)|gas fire catching", "air"),
    (r"swing|swish|swoosh|woosh|whoosh|whizzes|arrow shoot|javelin throw|windbag|\bwind\b|wind loop|snowstorm", "air"),
    (
        r"jet (flyby|injector|land|take off|ambience)|early jet|modern jet|steam \(|steam puff|gas (vent|hiss|leak)|smoke.* hiss",
        "air",
    ),
    (r"fuse|burning|sizzl|lava bubbling|match ignite|torch", "crackling_fire"),
    (r"creature scream|zombie|monster|sandmonster|sigh|breathing|chew|munch|crunchy bite|apple bite|goblin", "voice"),
    (r"monster die|creature (salute|snap)|balloon launch|plane wheels|ship breakdown|fossilize", None),
    (
        r"reload|cock\b|cocked|rifle fire cock|gun (handling|slide|trigger|empty|brass)|dry|pump$|shell ejected",
        "handling",
    ),
    (r"weapon change|blunderbuss click|gun safe|pin pull|grenade prime|bows bow|blunderbuss bullet hit", "handling"),
    (
        r"\bcards?\b|dice|\bdie (g|s|t)|poker chip|coin|keys jingle|book|blade drawn|dagger drawn|knife drawn|sheath",
        "handling",
    ),
    (r"rustle|leaves|bow (string|draw|get|load|put)|javelin draw|zipper|paper|eraser|pencil|stamp|stapler", "handling"),
    (
        r"typing|menu move|camera shutter|click noise|switch|button|trap trigger|^ui |latch|key turned|zippo|lever stuck",
        "click",
    ),
    (r"tool oxytorch|hacksaw|grinding (stone|gears)|drilling|pumpjack|printer|compressor", "machine"),
    (r"dripping|squeeze bottle", "water"),
    (r"lever|stone gate|pressure plate|heavy gate|wall smash fail|ceramic|brick|concrete|concreate|tiled wall", "hard"),
    (
        r"(fail|success|smash) (chain|metal|glass|window)|metal|\brock(?!et)|stone(?!mason)|pickaxe|cracky|clang|clank|anvil",
        "hard",
    ),
    (
        r"sword clash|shield weapon|weapon hit|trash can|shell falls|diamond|glass|bottle|ice (hit|break)|hits ice|dig ice",
        "hard",
    ),
    (r"blacksmith|chisel|robot|vault clunk|car impact|vehicle crash|hit vehicle|lorry dump|debris|clatter", "hard"),
    (r"wood|bamboo|\baxe\b|\btree|crate|lumber|chop|creak|plank|smash fail door|log\b|barrel", "wood"),
    (r"splash|water|bubbl|swim|drip|glug|liquid|waterdrop|bucket", "water"),
    (r"^clear|^plmove", None),
    (r"heel stomp|clonk movement step|walking|snow crunch|brick step|hoof steps", "footstep"),
)
"""(pattern, class) in order; the first whose pattern is found in the cleaned label decides."""

FILE_MENDS: tuple[tuple[str, str | None], ...] = (
    # The same label covers a slime's landing and its death; only the landings and jumps are steps.
    (r"slime_(land|jump)", "footstep"),
    # Whales are filed as animals, and are nothing like the other voices; but they are voices.
    (r"whale", "voice"),
    # "metal click" is a coin-like clink, not a key; "stone lever" grinds.
    (r"RPG_sounds_50_sounds__metalClick|sfx_lever", "hard"),
    (r"paper_centrifuge", "handling"),
)
"""(pattern, class) tried on the file's path before :data:`MENDS`."""

_RULES = tuple((re.compile(pattern), name) for pattern, name in MENDS)
_FILE_RULES = tuple((re.compile(pattern), name) for pattern, name in FILE_MENDS)
_BY_CATEGORY = {category: name for name, categories in CATEGORIES.items() for category in categories}


def sound_class(label: str, category: str, file: str) -> str | None:
    """The class of a recording, or None where it fits none well."""
    if file.startswith("esc10/"):
        return _BY_CATEGORY[category]
    for rule, name in _FILE_RULES:
        if rule.search(file):
            return name
    for rule, name in _RULES:
        if rule.search(label):
            return name
    return _BY_CATEGORY.get(category)


_JUNK = re.compile(
    r"\b(objects?|structures?|environment|weather|vehicle|materials?|hits|plmove|wall kit|clonk (action|movement)"
    r"|smash (fail|success|smash)|open door|close door|deal damage|melee|misc|ambi|perc|ui|fx|sfx|elec|vinyl"
    r"|cp (rougarou|magnum xl|railroad)|bm rc|hyper rc|el abyssus|wh (space shot|lost gravity)|rr|vl|alt|default"
    r"|fire gun|t|sh|v|furn|animals|wipf|mooq|puka|chippie|loop|eg|3d)\b|\d+"
)


def clean_label(label: str) -> str:
    """A label without numbers, file-name junk and words said twice; may be empty.

    >>> clean_label("hits materials wood wood hit 3")
    'wood hit'
    """
    text = re.sub(r"(?<=[a-z])\d+$", "", label.lower().replace("_", " ").replace(":", ""))
    words: list[str] = []
    for word in _JUNK.sub(" ", text).split():
        if word not in words:
            words.append(word)
    return " ".join(words)


def caption(clip: Labelled, rng: np.random.Generator) -> str:
    """A training caption for a recording: its own label or a phrase for its kind of sound, in a template."""
    own = clean_label(clip.label)
    name = sound_class(clip.label, clip.category, clip.file)
    phrases = kind_phrases(name, own) if name else ()
    if not phrases or (own and rng.random() < LABEL_SHARE):
        subject = own or clip.category.replace("_", " ")
    else:
        subject = str(rng.choice(phrases))
    return str(rng.choice(TEMPLATES)).format(subject)


def kind_phrases(name: str, cleaned: str) -> tuple[str, ...]:
    """The phrases of class ``name`` that are true of a recording with this cleaned label; may be none."""
    return tuple(
        phrase for pattern, phrases in KINDS[name] if re.search(rf"\b(?:{pattern})", cleaned) for phrase in phrases
    )


def group_of(file: str) -> str:
    """The group a recording belongs to: its folder and name without trailing numbers."""
    return re.sub(r"[-_ .]*\d+$", "", file.rsplit(".", 1)[0])


def is_held_out(file: str, fold: str) -> bool:
    """Whether a recording is never trained on: ESC-10's fold 5, and a twentieth of all other groups."""
    if file.startswith("esc10/"):
        return fold == "5"
    return int(hashlib.sha1(group_of(file).encode()).hexdigest(), 16) % 20 == 0


@lru_cache
def held_out_files() -> frozenset[str]:
    """The committed list of held-out recordings."""
    return frozenset(HELD_OUT_FILE.read_text().split("\n")) - {""}


def find_held_out(index: Path) -> list[str]:
    """The held-out recordings by the rule of :func:`is_held_out`, sorted. index: the data folder's index.csv."""
    with index.open(newline="", encoding="utf-8") as rows:
        return sorted(row["file"] for row in csv.DictReader(rows) if is_held_out(row["file"], row["fold"]))
