"""What a caption names that can be seen and sounds: "Two cats are meowing" -> ["cat"].

A detector wants short nouns. There is no parser here and nothing to download: a caption is cut at its
verbs, prepositions and commas with short word lists, what is left is stripped of articles, numbers and
adjectives, and places ("in the park") are left out, unless something is struck against them.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VERBS = _words(
    """bang bark bash beat beep blare blast blow boil bounce break bubble burn burst buzz call chatter cheer chew
    chime chirp chop chug clack clang clank clap clatter clean click clink close clomp collide cough crackle
    crash crawl creak croak crow crumble crunch crush cry cut dig dribble drill drip drive drop drum eat echo
    emit explode fall fill fire fizz flap flicker fly gallop get give glide go grind growl gurgle hammer hiss
    hit honk hoot howl hum idle jingle jump kick knock land laugh launch lick make march meow mix moo move
    murmur neigh open oink pass peck peel play plop pop pound pour pull purr push quack race rattle ring rip
    roar roll rub rumble run rustle saw scrape scratch scream screech set shake shatter shoot shut sing sizzle
    skid slam slap slide slosh slurp smash snap snarl sneeze sniff snore spin splash splatter spray squawk
    squeak squeal squeeze stamp start step stir stomp stop strike strum sweep swing swish swoop tap tear thud
    thump tick toll toot trickle trot turn type use vibrate wail walk wash wave whack whimper whinny whip whir
    whirr whistle whoosh write yap yell zip talk speak sound produce throw catch bite toss trample"""
)
_IRREGULAR_VERBS = _words(
    """is are was were be been being am has have had do does did hit struck broke broken fell fallen blew blown rang
    rung drove driven cut shot spun swept swung thrown threw wrote written made making let lets lies lay
    begins began starting setting getting hitting cutting chopping dropping dripping dribbling running
    shutting slamming flapping tapping clapping popping snapping zipping rubbing digging humming purring
    strumming drumming whipping ripping spinning swimming skidding slapping dragging drags drag dragged
    galloping stepping stopping trotting drawn drew draw draws splits splitting wrapped wrap wraps mewing
    cawing caws tearing torn tore went gone came comes come coming heard"""
)
_CONTACT = _words(
    """bang bash beat bounce chop clang clatter crash cut drip drop drum fall grind hammer hit kick knock land peck
    pound pour rattle roll rub scrape scratch slam slap slide smash splash stamp strike tap thud thump type
    whack write play drag struck fell"""
)
_PLACES = _words(
    """in at near behind under over through across along during outside inside around beside above overhead below
    towards toward past after before until between among amid down up off away onto beneath"""
)
_LINKS = _words("with by of against to into using on from and or then plus like for while as")
_DROPPED = _words(
    """a an the this that these those some several many few couple pair group bunch lot lots another other each every
    his her its their my our your one two three four five six seven eight nine ten hundred dozen more most
    very really and then again repeatedly suddenly slowly quickly loudly softly quietly gently rapidly
    continuously constantly loud soft quiet gentle rapid sudden slow fast heavy light big small large little
    tiny huge giant old young new wooden metallic plastic golden wet dry hot cold warm red blue green black
    white brown grey gray yellow orange distant nearby close open empty full busy noisy calm strong long short
    high low deep sharp dull shrill angry happy hungry crying lonely wild stray outdoor indoor outdoors
    indoors rusty squeaky muddy dusty snowy rocky sandy icy inside outside sound sounds noise noises audio
    effect effects background foreground recording closely together once twice times back forth forward away
    off out up down apart not no only just also still both all any constant continuous steady repeated
    repetitive rhythmic thin thick hollow hard crisp muffled upset running barking front sunny rainy windy
    dark bright beautiful ancient modern vintage electric"""
)
_PRONOUNS = _words("it he she they we you i there who which that what someone something somebody them him")
_MOVING = _words("pass drive fly go race run walk roll zip gallop trot crawl move")
_NOISES = _words("hiss bang thud crash clang sizzle rattle buzz roar hum crunch squeak screech splash pop click")
"""Nouns for the sound itself, not for a thing: left out where the caption names a thing beside them."""

_SOUNDS_OF = {
    "footstep": "person",
    "bark": "dog",
    "barking": "dog",
    "meow": "cat",
    "meowing": "cat",
    "applause": "audience",
    "laughter": "person",
    "speech": "person",
    "birdsong": "bird",
    "hoofbeat": "horse",
    "gunshot": "gun",
    "typing": "keyboard",
    "knocking": "door",
    "thunder": "sky",
    "singing": "person",
    "chirping": "bird",
    "honking": "car",
    "snoring": "person",
    "clapping": "hand",
    "hammering": "hammer",
    "drumming": "drum",
}
"""Sounds that stand in a caption for the thing that makes them; used where the caption names nothing else to see."""

_IRREGULAR_NOUNS = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "knives": "knife",
    "leaves": "leaf",
    "wolves": "wolf",
    "calves": "calf",
    "hooves": "hoof",
    "shelves": "shelf",
    "fireworks": "fireworks",
    "scissors": "scissors",
    "stairs": "stairs",
    "keys": "keys",
    "pliers": "pliers",
    "glasses": "glass",
    "buses": "bus",
    "axes": "axe",
    "tyres": "tyre",
}
_ENDINGS = (("ing", ("", "e")), ("ed", ("", "e")), ("es", ("", "e")), ("s", ("",)), ("ies", ("y",)))
_KEPT_S = ("ss", "us", "is", "ous")


def key_phrases(caption: str) -> list[str]:
    """The visible sources of sound in ``caption``, singular, in order; [] if it names none."""
    found: list[str] = []
    sounds: list[str] = []
    for phrase in _phrases(caption, places=False):
        if phrase in _SOUNDS_OF:
            sounds.append(_SOUNDS_OF[phrase])
        elif phrase not in found:
            found.append(phrase)
    things = [phrase for phrase in found if phrase not in _NOISES] or found
    if things or sounds:
        return things or list(dict.fromkeys(sounds))
    gerunds = list(
        dict.fromkeys(_SOUNDS_OF[word] for word in re.findall(r"[a-z]+", caption.lower()) if word in _SOUNDS_OF)
    )
    return gerunds or list(dict.fromkeys(_phrases(caption, places=True)))


def _phrases(caption: str, *, places: bool) -> list[str]:
    phrases: list[str] = []
    words = re.findall(r"[a-z]+(?:[-'][a-z]+)*|[,.;:!?]|\d+", caption.lower().replace("’", "'"))
    chunk: list[str] = []
    place = contact = moving = False

    def close() -> None:
        nonlocal chunk
        phrase = _noun_phrase(chunk)
        if phrase and (places or not place):
            phrases.append(phrase)
        chunk = []

    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if not word[0].isalpha():
            close()
            place = False
        elif word in _PRONOUNS:
            close()
        elif word in _PLACES or (word == "by" and moving):
            close()
            place = not (contact and word in ("onto", "over"))
        elif word in _LINKS:
            close()
            place = (word in ("on", "from", "to") and not contact) if word not in ("and", "or") else place
        elif _is_verb(word) and not _is_noun_here(word, chunk, following):
            close()
            place = False
            contact = _stem(word) in _CONTACT or word in _CONTACT
            moving = _stem(word) in _MOVING
        else:
            chunk.append(word)
    close()
    return phrases


def _noun_phrase(words: list[str]) -> str:
    """Adjectives, articles and numbers gone, at most the last two nouns, singular."""
    nouns = [re.sub(r"'s?$", "", w) for w in words if w not in _DROPPED and not w.endswith("ly") and not w.isdigit()]
    nouns = [w for w in nouns if w]
    if not nouns:
        return ""
    head = _singular(nouns[-1])
    if len(nouns) > 1 and head not in _SOUNDS_OF:
        return f"{_singular(nouns[-2])} {head}"
    return head


def _is_verb(word: str) -> bool:
    return word in _IRREGULAR_VERBS or word in _VERBS or _stem(word) in _VERBS


def _is_noun_here(word: str, chunk: list[str], following: str) -> bool:
    """A verb's form after an article or adjective, with no noun yet, is a noun: "a drum", "the saw"."""
    if word in _IRREGULAR_VERBS or word.endswith(("ing", "ed")):
        return False
    named = [w for w in chunk if w not in _DROPPED]
    if not chunk:
        return word.endswith("s") and _is_verb(following)
    return not named


def _stem(word: str) -> str:
    """The bare form of a regular verb, if that form is known."""
    for ending, replacements in (
        ("ing", ("", "e")),
        ("ed", ("", "e")),
        ("es", ("", "e")),
        ("s", ("",)),
        ("ies", ("y",)),
    ):
        if word.endswith(ending):
            base = word[: -len(ending)]
            for replacement in replacements:
                if base + replacement in _VERBS:
                    return base + replacement
            if len(base) > 2 and base[-1] == base[-2] and base[:-1] in _VERBS:
                return base[:-1]
    return word


def _singular(noun: str) -> str:
    if noun in _IRREGULAR_NOUNS:
        return _IRREGULAR_NOUNS[noun]
    if not noun.endswith("s") or noun.endswith(_KEPT_S) or len(noun) < 4:
        return noun
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    if noun.endswith(("ches", "shes", "xes", "sses", "zes")):
        return noun[:-2]
    return noun[:-1]
