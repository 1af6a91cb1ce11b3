"""The one table of OSC messages. Everything else about OSC is derived from it.

Incoming verbs use only the types s, i, f and d, because some hosts (Ardour's Lua) can send no others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PREFIX = "/drawaudio"
DEFAULT_PORT = 7890
DEFAULT_HTTP_PORT = 7891

MAX_PACKET = 65535
"""Largest UDP datagram read, in bytes."""
MAX_FRAME = 8 * 2**20
"""Largest TCP frame read, in bytes."""
MAX_CHUNK_POINTS = 256
MAX_TEXT = 4 * 2**20
MAX_NAME = 200


@dataclass(frozen=True)
class Argument:
    """One argument. `type` is the OSC type tag sent; see `binding.ACCEPTED` for what is accepted instead."""

    name: str
    type: str
    doc: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    default: object = None
    """Value where the argument is left out; only trailing arguments have one."""
    optional: bool = False
    max_length: int = MAX_NAME
    pattern: str = ""


@dataclass(frozen=True)
class Verb:
    """One message. `repeats` are arguments that follow in groups until the message ends."""

    address: str
    doc: str
    arguments: tuple[Argument, ...] = ()
    repeats: str = ""
    answers: tuple[str, ...] = ()
    full: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "full", f"{PREFIX}/{self.address}")

    @property
    def needs_token(self) -> bool:
        return any(a.name == "token" for a in self.arguments)


IDENTIFIER = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}"

TOKEN = Argument("token", "s", "the service's token, from `service.json`", max_length=64)
REQUEST = Argument(
    "request", "s", "an id of your choice; the same id again changes nothing and is answered alike", pattern=IDENTIFIER
)
CURVE = Argument("curve", "s", "id of the curve, chosen by the sender", pattern=IDENTIFIER)
TAKE = Argument(
    "take", "s", "take id such as `t34`, or a job's for its newest; empty: the current take", optional=True, default=""
)

ACTIONS = ("regenerate", "next_take", "previous_take", "keep", "audition", "cancel")
"""What one key can do."""

DOMAIN_CHOICES = ("db", "gain", "ardour_fader", "reaper_fader", "midi_cc")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "time value": ("d", "d"),
    "time value shape": ("d", "d", "s"),
    "time value shape tension": ("d", "d", "s", "d"),
    "time value shape tension x1 y1 x2 y2": ("d", "d", "s", "d", "d", "d", "d", "d"),
}
"""Layouts of the points in a curve chunk: columns and their OSC types."""

REFERENCE = Argument(
    "reference_dbfs", "d", "level that 0 dB on the lane stands for", "dBFS", -80.0, 0.0, optional=True, default=-20.0
)
FOLLOW = Argument("follow", "s", "how closely", choices=("tight", "loose"), optional=True, default="tight")

INCOMING: tuple[Verb, ...] = (
    Verb(
        "status",
        "Ask how the service is. The only verb that needs no token.",
        (Argument("request", "s", "id to be answered with", pattern=IDENTIFIER, optional=True, default="status"),),
        answers=("status",),
    ),
    Verb(
        "cue/submit",
        "Make takes of a cue. The cue is the JSON of a cue file; see “Cue JSON over the wire” for the extra keys.",
        (
            TOKEN,
            REQUEST,
            Argument("cue", "s", "the cue as JSON", max_length=MAX_TEXT),
            Argument("name", "s", "stem of the files' names; empty: from the prompt", optional=True, default=""),
            Argument(
                "queue",
                "s",
                "`now` overtakes every job of `bounce`",
                choices=("now", "bounce"),
                optional=True,
                default="now",
            ),
        ),
        answers=("job/queued", "job/progress", "take/ready", "job/done"),
    ),
    Verb(
        "curve/begin",
        "Announce a curve that follows in chunks.",
        (
            TOKEN,
            CURVE,
            Argument("domain", "s", "the law between points", choices=DOMAIN_CHOICES),
            Argument("points", "i", "number of points in all chunks together", minimum=1, maximum=100_000),
            Argument("chunks", "i", "number of chunks", minimum=1, maximum=100_000),
            Argument("checksum", "s", "CRC-32 over all points, 8 hex digits", pattern=r"[0-9a-fA-F]{8}"),
            REFERENCE,
            FOLLOW,
        ),
        answers=("curve/ready",),
    ),
    Verb(
        "curve/chunk",
        f"Up to {MAX_CHUNK_POINTS} points. Chunks may come in any order, before `curve/begin`, and more than once.",
        (
            TOKEN,
            CURVE,
            Argument("index", "i", "which chunk, from 0", minimum=0, maximum=99_999),
            Argument("columns", "s", "layout of the points that follow", choices=tuple(COLUMNS)),
        ),
        repeats="columns",
        answers=("curve/ready",),
    ),
    Verb(
        "curve/end",
        "Ask whether the curve is whole; what is missing is named and can be sent again.",
        (TOKEN, CURVE),
        answers=("curve/ready", "curve/missing"),
    ),
    Verb(
        "capture/begin",
        "Record a curve while the host plays: from `capture/value`, or from a MIDI controller (CC 7, CC 11, NRPN).",
        (
            TOKEN,
            CURVE,
            Argument("domain", "s", "what the values mean", choices=DOMAIN_CHOICES),
            REFERENCE,
            FOLLOW,
            Argument("source", "s", "where it comes from", choices=("osc", "midi"), optional=True, default="osc"),
        ),
        answers=("ack",),
    ),
    Verb(
        "capture/value",
        "One value of the recording that runs. Hosts that can send nothing but a number send it, as the only argument, "
        f"to `{PREFIX}/capture/value/TOKEN`.",
        (
            TOKEN,
            Argument("value", "d", "dB in the domain `db`, linear gain in every other"),
            Argument(
                "time_s",
                "d",
                "time from the span's start; left out: time of arrival",
                "s",
                0.0,
                86_400.0,
                optional=True,
            ),
        ),
    ),
    Verb(
        "capture/end",
        "End the recording; the thinned curve is kept under its id. `ack` says `start_s` and `duration_s` of the span.",
        (
            TOKEN,
            CURVE,
            Argument(
                "start_s",
                "d",
                "MIDI: start of the span, from timecode midnight; left out: where it was played from",
                "s",
                optional=True,
            ),
            Argument(
                "duration_s", "d", "MIDI: length of the span; left out: to where it was played", "s", optional=True
            ),
        ),
        answers=("curve/ready", "ack"),
    ),
    Verb(
        "midi/learn",
        "Have the next note, controller or program that comes in over MIDI mean this action.",
        (TOKEN, REQUEST, Argument("action", "s", "what it is to do", choices=ACTIONS)),
        answers=("ack",),
    ),
    Verb(
        "job/cancel",
        "Cancel a job; empty: the job that runs, or else the one asked for last.",
        (
            TOKEN,
            REQUEST,
            Argument("job", "s", "job id, or the id of the request that asked for it", optional=True, default=""),
        ),
        answers=("ack", "job/done"),
    ),
    Verb(
        "job/watch",
        "Have progress and takes of a job (or, left empty, of every job) sent to this address too, for an hour.",
        (TOKEN, REQUEST, Argument("job", "s", "job id", optional=True, default="")),
        answers=("ack",),
    ),
    Verb(
        "job/list", "The newest 100 jobs, one message each, then `ack`.", (TOKEN, REQUEST), answers=("job/item", "ack")
    ),
    Verb(
        "take/list",
        "The newest 200 takes, of one job or of all, one message each, then `ack`.",
        (TOKEN, REQUEST, Argument("job", "s", "job id; empty: all", optional=True, default="")),
        answers=("take/item", "ack"),
    ),
    Verb(
        "take/regenerate",
        "The same cue again with the next seed; with a time span only that part, the rest stays sample for sample.",
        (
            TOKEN,
            REQUEST,
            TAKE,
            Argument("start_s", "d", "start of the part, from the span's start", "s", optional=True),
            Argument("end_s", "d", "end of the part", "s", optional=True),
        ),
        answers=("job/queued", "job/progress", "take/ready", "job/done"),
    ),
    Verb(
        "take/next",
        "Make the next take of the same cue the current one.",
        (TOKEN, REQUEST, TAKE),
        answers=("ack", "take/picked"),
    ),
    Verb(
        "take/previous",
        "Make the take before it the current one.",
        (TOKEN, REQUEST, TAKE),
        answers=("ack", "take/picked"),
    ),
    Verb("take/pick", "Make this take the current one.", (TOKEN, REQUEST, TAKE), answers=("ack", "take/picked")),
    Verb("take/keep", "Mark a take as kept.", (TOKEN, REQUEST, TAKE), answers=("ack", "take/kept")),
    Verb("take/audition", "Play a take through the service's sound device.", (TOKEN, REQUEST, TAKE), answers=("ack",)),
    Verb(
        "project/bounce",
        "Make takes of every region with a prompt in a project file.",
        (
            TOKEN,
            REQUEST,
            Argument("path", "s", "project file, under the session folder", max_length=4096),
            Argument("track", "s", "only this guide track", optional=True, default=""),
            Argument("region", "s", "only this region", optional=True, default=""),
        ),
        answers=("job/queued", "ack"),
    ),
)

TAKE_FIELDS = (
    Argument("request", "s", "id of the request that asked for it"),
    Argument("job", "s", "job id"),
    Argument("take", "s", "take id"),
    Argument("path", "s", "absolute path of the Broadcast Wave file", max_length=4096),
    Argument("start_samples", "d", "place on the host's timeline (the file's TimeReference)", "samples"),
    Argument("rate", "i", "sample rate of the file and of `start_samples`", "Hz"),
    Argument("samples", "d", "length of the file", "samples"),
    Argument("seed", "d", "seed of this take"),
)

OUTGOING: tuple[Verb, ...] = (
    Verb(
        "status",
        "How the service is, as JSON: version, state of the worker, the job in hand, jobs per state, current take.",
        (Argument("request", "s", "as asked"), Argument("status", "s", "JSON", max_length=MAX_TEXT)),
    ),
    Verb(
        "ack",
        "A request was carried out.",
        (
            Argument("request", "s", "as sent"),
            Argument("verb", "s", "the verb, such as `take/keep`"),
            Argument("result", "s", "JSON", max_length=MAX_TEXT),
        ),
    ),
    Verb("curve/ready", "A curve arrived whole.", (CURVE, Argument("points", "i", "points it has"))),
    Verb(
        "curve/missing",
        "Chunks still missing (the first 100 of them). -1: `curve/begin` itself.",
        (CURVE, Argument("indices", "s", "JSON list of chunk indices", max_length=MAX_TEXT)),
    ),
    Verb(
        "job/queued",
        "The job is stored: from here on it survives a crash.",
        (
            Argument("request", "s", "as sent"),
            Argument("job", "s", "job id"),
            Argument("ahead", "i", "jobs that will be rendered before this one"),
        ),
    ),
    Verb(
        "job/progress",
        "At most ten times a second.",
        (
            Argument("request", "s", "id of the request that asked for the job"),
            Argument("job", "s", "job id"),
            Argument("done", "f", "part that is done", "", 0.0, 1.0),
            Argument("stage", "s", "what is being done"),
            Argument("eta_s", "f", "time left; negative: not known", "s"),
        ),
    ),
    Verb(
        "job/done",
        "The job has ended.",
        (
            Argument("request", "s", "id of the request that asked for the job"),
            Argument("job", "s", "job id"),
            Argument("state", "s", "how", choices=("done", "failed", "cancelled")),
            Argument("text", "s", "the reason where it failed", max_length=4096),
            Argument("code", "s", "error code where it failed"),
        ),
    ),
    Verb(
        "job/item",
        "One job of a list.",
        (
            Argument("request", "s", "as sent"),
            Argument("job", "s", "job id"),
            Argument("state", "s", "state", choices=("queued", "running", "done", "failed", "cancelled")),
            Argument("prompt", "s", "prompt", max_length=4096),
            Argument("text", "s", "the reason where it failed", max_length=4096),
        ),
    ),
    Verb("take/ready", "A take is whole on disk.", TAKE_FIELDS),
    Verb("take/item", "One take of a list.", TAKE_FIELDS),
    Verb("take/picked", "This is the current take now.", TAKE_FIELDS),
    Verb("take/kept", "This take was marked as kept.", TAKE_FIELDS),
    Verb(
        "error",
        "Something was refused or failed. Every packet that cannot be read is answered with this.",
        (
            Argument("request", "s", "id of the request where one could be read, else empty"),
            Argument("code", "s", "one of the codes below"),
            Argument("text", "s", "what, where, and how to mend it; one line", max_length=4096),
        ),
    ),
)

CODES: Mapping[str, str] = {
    "malformed": "the packet is not OSC 1.0, or its frame is broken",
    "unknown_address": "no such verb; address patterns (`*`, `?`, `[]`, `{}`) are not supported",
    "wrong_arguments": "the number, types or values of the arguments do not fit the verb",
    "bad_token": "the token is missing or not this run's",
    "too_large": "a packet, curve or file beyond the limits",
    "busy": "too many unfinished curves, connections or jobs",
    "conflict": "an id was used again for something else",
    "bad_cue": "the cue cannot be understood",
    "bad_path": "a path lies outside the session folder or does not exist",
    "no_room": "the session's disk is full or fails",
    "bad_project": "a project file cannot be read",
    "unknown_curve": "no curve with that id has arrived whole",
    "unknown_job": "no such job",
    "unknown_take": "no such take, or none yet",
    "checksum": "the points that arrived are not those announced; send the curve again from the start",
    "missing_model": "the model or the device it needs is not there",
    "render_failed": "the engine refused or failed",
    "worker_died": "the render process was killed or crashed; the next job runs in a new one",
    "no_audio": "no sound device, or auditioning is switched off",
    "unavailable": "this service was started without what the verb needs",
    "internal": "a fault of ours; the log has the details",
}

IN_BY_ADDRESS: Mapping[str, Verb] = {verb.full: verb for verb in INCOMING}
OUT_BY_ADDRESS: Mapping[str, Verb] = {verb.full: verb for verb in OUTGOING}
