"""`drawaudio masks`: a preview of what a mask covers, as a video."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bridge.errors import UserError
from bridge.picture_arguments import add_picture_arguments, read_masks, tell_warnings, told

NAME = "masks"
HELP = "write a preview video with the masks drawn over the picture"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_picture_arguments(parser)
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE.mp4", help="the preview (default: VIDEO_masks.mp4 in this folder)"
    )


def run(args: argparse.Namespace) -> int:
    output = args.output or Path(f"{args.video.stem}_masks.mp4")
    if output.exists():
        raise UserError(f"{output}: is there already, and nothing is overwritten; choose another name with -o")
    if output.suffix.lower() != ".mp4":
        raise UserError(f"{output}: the preview is an MP4 file; give it a name that ends in .mp4")
    masks = read_masks(args.mask)
    if not masks:
        raise UserError("--mask: is missing; say what to cover, as in --mask '@box 0.5 0.2 0.3 0.4'")
    with told():
        from engine.footage import footage
        from engine.masks.preview import PREVIEW_SIDE, write_preview
        from engine.video import Clip, gathered

        seen = footage(args.video, args.offset, args.duration, masks)
        assert seen.mask is not None
        partial = output.with_name(f"{output.stem}.partial{output.suffix}")
        try:
            with gathered():  # the footage has told all there is to tell
                write_preview(partial, Clip(args.video, args.offset, args.duration, side=PREVIEW_SIDE), seen.mask)
            os.replace(partial, output)
        finally:
            partial.unlink(missing_ok=True)
    tell_warnings(seen.warnings)
    print(output)
    return 0
