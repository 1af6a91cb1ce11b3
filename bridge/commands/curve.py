"""`drawaudio curve`: a loudness curve drawn from a video, as a cue, a MIDI file or a DAW's lane."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bridge.errors import UserError
from bridge.picture_arguments import add_picture_arguments, read_masks, tell_warnings, told
from bridge.render import refused, write_new
from engine.cue import DURATION_S, Cue, LoudnessCurve, Span, VideoRef

NAME = "curve"
HELP = "draw a loudness curve from a video"

_SUFFIXES = {".json": "cue", ".mid": "midi", ".midi": "midi", ".rpp": "reaper", ".txt": "reaper", ".ardour": "ardour"}
_FORMATS = ("cue", "midi", "reaper", "ardour")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_picture_arguments(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it (default: stdout)")
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        help="cue JSON, MIDI controller 7, REAPER or Ardour lane (default: by FILE's name)",
    )
    parser.add_argument("--prompt", default="foley", help="the cue's prompt (default: %(default)s)")
    parser.add_argument("--rate", type=int, default=48_000, help="the session's sample rate (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    form = args.format or (_SUFFIXES.get(args.output.suffix.lower()) if args.output else "cue")
    if form is None:
        raise UserError(f"{args.output}: what to write is not clear from its name; add --format {'|'.join(_FORMATS)}")
    if form == "midi" and args.output is None:
        raise UserError("--format midi: a MIDI file cannot be printed; name one with -o lane.mid")
    if args.output is not None and args.output.exists():
        raise UserError(f"{args.output}: is there already, and nothing is overwritten; choose another name")
    if args.output is not None and not args.output.parent.is_dir():
        raise UserError(f"{args.output}: there is no folder {args.output.parent}; make it, or choose another")
    masks = read_masks(args.mask)
    if form == "cue":
        _cue(args, args.duration or DURATION_S[1])  # what it refuses is told before the picture is looked at
    with told():
        from engine.footage import footage
        from engine.models.store import load_contacts
        from engine.picture_curve import draft
        from engine.video import GRID_HZ

        seen = footage(args.video, args.offset, args.duration, masks)
        drafted = draft(seen, load_contacts())
    tell_warnings(drafted.warnings)
    duration_s = args.duration or len(seen.clip) / GRID_HZ
    if form == "cue":
        video = VideoRef(str(args.video), args.offset)
        cue = replace(_cue(args, duration_s), loudness=drafted.curve, video=video, masks=masks)
        if args.output is not None and args.output.parent.resolve() != Path.cwd():
            cue = cue.relative_to(Path.cwd())  # a cue's paths are read from where its file lies
        content = (json.dumps(cue.to_json(), indent=1) + "\n").encode()
    else:
        content = _LANES[form](drafted.curve, duration_s)
    if args.output is None:
        sys.stdout.write(content.decode())
    else:
        try:
            write_new(args.output, content)
        except OSError as error:
            raise refused(args.output.parent, error) from error
        print(args.output)
    hits = f"{len(drafted.hits_s)} hit{'s' * (len(drafted.hits_s) != 1)}"
    print(f"{hits}, {len(drafted.curve.points)} points over {duration_s:.2f} s", file=sys.stderr)
    return 0


def _cue(args: argparse.Namespace, duration_s: float) -> Cue:
    """The cue as far as the arguments alone say it."""
    return Cue(prompt=args.prompt, span=Span(0, args.rate, duration_s))


def _midi(curve: LoudnessCurve, duration_s: float) -> bytes:
    from bridge.lane_files import midi_file

    return midi_file(curve, duration_s)


def _reaper(curve: LoudnessCurve, duration_s: float) -> bytes:
    from bridge.lane_files import reaper_envelope

    return reaper_envelope(curve, duration_s).encode()


def _ardour(curve: LoudnessCurve, duration_s: float) -> bytes:
    from bridge.lane_files import ardour_list

    return ardour_list(curve, duration_s).encode()


_LANES: dict[str, Callable[[LoudnessCurve, float], bytes]] = {"midi": _midi, "reaper": _reaper, "ardour": _ardour}
