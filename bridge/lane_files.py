"""A loudness curve as a lane that a DAW can take: a MIDI controller file, a REAPER envelope, an Ardour list.

Hosts draw other lines between two points than ours, so points are added until the difference is small.
"""

from __future__ import annotations

import io
import itertools

import mido
import numpy as np

from engine.curve import LoudnessCurve
from engine.curve_laws import to_gain

MOST_STEP_DB = 2.0
"""Largest step between two points of a lane: any host's law then agrees within about a tenth of a dB."""
FLOOR_DB = -60.0
MIDI_CONTROLLER = 7
MIDI_STEP_S = 0.01
TICKS_PER_BEAT = 960
SUPERCLOCKS_PER_S = 282_240_000


def gain_points(curve: LoudnessCurve, duration_s: float) -> list[tuple[float, float]]:
    """(seconds, linear gain) pairs over the duration, close enough together for straight lines between gains."""
    own = [point.time_s for point in curve.points if 0 < point.time_s < duration_s]
    times = [0.0, *own, duration_s]
    levels = np.nan_to_num(np.maximum(curve.sample(np.array(times)), FLOOR_DB), nan=FLOOR_DB)
    dense: list[float] = []
    for (start, before), (end, after) in itertools.pairwise(zip(times, levels, strict=True)):
        pieces = max(1, int(np.ceil(abs(after - before) / MOST_STEP_DB)))
        dense += np.linspace(start, end, pieces, endpoint=False).tolist()
    dense.append(duration_s)
    db = np.nan_to_num(curve.sample(np.array(dense)), nan=-np.inf)
    gains = np.where(db <= FLOOR_DB, 0.0, to_gain(db))
    return list(zip(dense, gains.tolist(), strict=True))


def midi_file(curve: LoudnessCurve, duration_s: float, name: str = "Loudness") -> bytes:
    """A Standard MIDI File whose controller 7 follows the curve, gain (v/127)²; 0 dB and above is 127."""
    times = np.arange(0, duration_s + MIDI_STEP_S / 2, MIDI_STEP_S)
    gains = to_gain(np.nan_to_num(curve.sample(times), nan=-np.inf))
    values = np.round(127 * np.sqrt(np.clip(gains, 0, 1))).astype(int)
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name), mido.MetaMessage("set_tempo", tempo=500_000)])
    last_tick, last_value = 0, -1
    for time_s, value in zip(times, values.tolist(), strict=True):
        if value != last_value:
            tick = round(time_s * 2 * TICKS_PER_BEAT)
            track.append(mido.Message("control_change", control=MIDI_CONTROLLER, value=value, time=tick - last_tick))
            last_tick, last_value = tick, value
    track.append(mido.MetaMessage("end_of_track", time=round(duration_s * 2 * TICKS_PER_BEAT) - last_tick))
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track])
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def reaper_envelope(curve: LoudnessCurve, duration_s: float, start_s: float = 0.0) -> str:
    """A volume envelope as it stands in a REAPER project or track chunk, its first point at ``start_s``."""
    points = "".join(f"  PT {start_s + t:.6f} {g:.8f} 0\n" for t, g in gain_points(curve, duration_s))
    return f"<VOLENV2\n  ACT 1 -1\n  VIS 1 1 1\n  LANEHEIGHT 0 0\n  ARM 1\n  DEFSHAPE 0 -1 -1\n{points}>\n"


def ardour_list(curve: LoudnessCurve, duration_s: float, start_s: float = 0.0) -> str:
    """A gain automation list as it stands in an Ardour session, its first point at ``start_s``."""
    events = "".join(
        f"a{round((start_s + t) * SUPERCLOCKS_PER_S)} {g:.9g}\n" for t, g in gain_points(curve, duration_s)
    )
    return (
        '<AutomationList automation-id="gain" interpolation-style="Exponential" state="Play">\n'
        f"  <events>{events}</events>\n</AutomationList>\n"
    )
