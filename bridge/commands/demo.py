"""`drawaudio demo`: one real cue, from the clip to the plot."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from bridge.commands.render import add_engine_arguments, render_and_tell
from bridge.render import make_folder, refused, write_new

NAME = "demo"
HELP = "render a demonstration: a bouncing ball, a prompt, a drawn curve"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("demo-take"), metavar="DIR", help="folder (default: demo-take)"
    )
    add_engine_arguments(parser)


def run(args: argparse.Namespace) -> int:
    from bridge.demo import demo_cue, write_clip

    folder: Path = args.output
    make_folder(folder)
    clip, cue_file = folder / "bouncing_ball.mp4", folder / "bouncing_ball.json"
    draft = folder / "bouncing_ball.partial.mp4"
    cue = demo_cue(clip)
    try:
        if not clip.exists():
            write_clip(draft)
            os.replace(draft, clip)
        if not cue_file.exists():
            text = json.dumps({**cue.to_json(), "video": {"path": clip.name}}, indent=1, ensure_ascii=False)
            write_new(cue_file, text.encode())
    except OSError as error:
        raise refused(folder, error) from error
    finally:
        draft.unlink(missing_ok=True)
    take = render_and_tell(cue, folder, name="bouncing_ball", plot=True, weights=args.weights, device=args.device)[-1]
    print()
    print(f"the cue    {cue_file}    a prompt and a curve as a host would send them")
    print(f"the clip   {clip}")
    print(f"the take   {take.path}    {take.samples / take.rate:.1f} s, listen to it beside the clip")
    print(f"the plot   {take.path.with_suffix('.png')}    waveform, spectrogram, the curve asked and got")
    print(f"Next: draw your own curve into a copy of {cue_file.name} and run: drawaudio render COPY.json --plot")
    return 0
