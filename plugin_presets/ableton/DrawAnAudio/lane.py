"""A loudness lane from one play-through: Live hides arrangement automation, but the fader moves while it plays."""

import re

SILENCE = "-inf"
#: Beats between two moments that were played one after the other; more is a jump.
LEAP = 2.0


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
        self._from = self._to = self._at = None

    def note(self, beats, level):
        """One moment of playing. What is played again is replaced moment by moment: a loop is whole in every round."""
        played_on = self._at is not None and self._at <= beats <= self._at + LEAP
        if played_on:
            for passed in [at for at in self._points if self._at < at <= beats]:
                del self._points[passed]
        elif self._at is None or not self._from <= beats <= self._to:
            self._points = {}
            self._from = self._to = beats
        self._points[beats] = level
        self._at, self._to = beats, max(self._to, beats)

    def between(self, start, end, seconds_per_beat):
        """The curve of a span, or None where it was not played through from its start to its end."""
        inside = sorted((at, value) for at, value in self._points.items() if start <= at <= end)
        if self._from is None or not (self._from <= start + 0.25 and self._to >= end - 0.25) or not inside:
            return None
        held = [(at, value) for at, value in sorted(self._points.items()) if at < start][-1:]
        edge = [(start, held[0][1] if held else inside[0][1])] if inside[0][0] > start else []
        points = [{"time_s": (at - start) * seconds_per_beat, "value": value} for at, value in edge + inside]
        return {"domain": "db", "points": points}
