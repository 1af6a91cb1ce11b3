"""How soon a finished take stands in a running Ardour: a series of takes on one track, and first takes on fresh ones.

    python -m benchmarks.ardour_import [--takes 10] [--tracks 4]

Needs Ardour 7, Xvfb and xdotool (Debian: ardour xvfb xdotool x11-utils), starts and stops its own. Prints one JSON
object; exits 1 where the median of a series is above 100 ms. A delay is from the take's file standing whole in the
service's folder to its copy standing in the session.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from tests.e2e.studio import Studio, open_studio

ALLOWED_S = 0.1
RANGE = ("footsteps on gravel #tight", 1.0, 3.0)
LANE = ((0.5, 0.3), (2.0, 0.8), (3.5, 0.3))


def take(studio: Studio, track: str, key: str, number: int) -> float:
    """Ask for a take by a key and wait for it; seconds that its import took."""
    studio.point_at(track, 1.5)
    studio.rig.key(key)
    studio.wait_for_takes(track, number)
    return studio.import_delay(f"{track}_take{number:02d}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=10, help="takes on the first track")
    parser.add_argument("--tracks", type=int, default=4, help="tracks that get a first take")
    arguments = parser.parse_args()
    names = [f"Track{index}" for index in range(arguments.tracks)]
    with (
        tempfile.TemporaryDirectory() as folder,
        open_studio(Path(folder), dict.fromkeys(names, LANE), (RANGE,)) as studio,
    ):
        first = [take(studio, name, "ctrl+alt+g", 1) for name in names]
        later = [take(studio, names[0], "ctrl+alt+r", number) for number in range(2, arguments.takes + 2)]
    series = {"first take of a track": first, "later takes": later}
    print(
        json.dumps(
            {name: [round(1000 * delay) for delay in delays] for name, delays in series.items()} | {"unit": "ms"}
        )
    )
    return int(any(statistics.median(delays) > ALLOWED_S for delays in series.values()))


if __name__ == "__main__":
    sys.exit(main())
