"""A loudness lane from one play-through: Live hides arrangement automation, but the fader moves while it plays."""

import re

SILENCE = "-inf"


def level_db(text):
    """Live's words for a volume ("-12.3 dB", "-inf dB") as dB, or "-inf"."""
    if SILENCE in text:
        return SILENCE
    found = re.search(r"-?\d+(?:\.\d+)?", text)
    return float(found.group(0)) if found else SILENCE


class Capture:
    """Volume over song time (beats) of one track, recorded while the song plays."""

    def __init__(self):
        self._points = {}
        self._from = self._to = None

    def note(self, beats, level):
        """One moment of playing. Going back over a passage replaces what was there."""
        if self._to is None or not self._to <= beats <= self._to + 2.0:
            self._from = beats
            self._points = {at: value for at, value in self._points.items() if at < beats}
        passed = [at for at in self._points if self._to is not None and self._to < at <= beats]
        for at in passed:
            del self._points[at]
        self._points[beats] = level
        self._to = beats

    def between(self, start, end, seconds_per_beat):
        """The curve of a span, or None where it was not played through from its start to its end."""
        inside = sorted((at, value) for at, value in self._points.items() if start <= at <= end)
        if self._from is None or not (self._from <= start + 0.25 and self._to >= end - 0.25) or not inside:
            return None
        held = [(at, value) for at, value in sorted(self._points.items()) if at < start][-1:]
        edge = [(start, held[0][1] if held else inside[0][1])] if inside[0][0] > start else []
        points = [{"time_s": (at - start) * seconds_per_beat, "value": value} for at, value in edge + inside]
        return {"domain": "db", "points": points}
