"""Where the host's transport is, from whatever it sends: MTC, MMC, or song position and clock.

A `Run` is one stretch of playing. It holds anchors, "at this moment we were there", and answers where the transport
was at any moment of the run. MIDI arrives in bursts (a JACK block, a USB frame), so single anchors are late by up to
one block; a run goes by the median of its neighbours and stays within a fraction of one. Where the machine stalled
and the clock says nothing, it goes by the order in which messages arrived.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import mido
import numpy as np

from bridge.midi.mmc import MmcCommand, parse_mmc
from bridge.midi.mtc import MTC_RATES, Piece, QuarterFrames, parse_full_frame
from bridge.timecode import FrameRate, Timecode

#: Without a quarter frame or clock for this long the transport stands.
SILENCE_S = 0.25
#: A run may be asked this much before its first anchor: the set that found it began a little earlier.
LEAD_S = 0.1
#: … and when it goes on after this long, from the same place, it had been stopped; after less, the machine stalled.
PAUSE_S = 1.0
#: A place this far beyond the one that is due is a jump; less is varispeed and jitter.
JUMP_S = 0.1
#: Where clock and order disagree by more, the clock is not to be trusted.
_CLOCK_SLACK_S = 0.002
#: Anchors to either side that an anchor's own time is held against.
_NEIGHBOURS = 32
#: Clocks over which the tempo is measured (four quarter notes).
_TEMPO_CLOCKS = 96


@dataclass
class Run:
    """A stretch of playing; ``end_s`` is ``None`` while it lasts. Times on our clock, positions from midnight."""

    source: str
    anchors: deque[tuple[float, float]]
    #: +1 forwards, -1 rewinding.
    step: int = 1
    end_s: float | None = None
    #: When the host last said that it still runs; infinite where it says so only once (MMC).
    heard_s: float = math.inf

    def holds(self, time_s: float, lead_s: float = 0.0) -> bool:
        """Whether the transport was running, by this run, at ``time_s`` (or will be ``lead_s`` later)."""
        end_s = self.heard_s + SILENCE_S if self.end_s is None else self.end_s
        return self.anchors[0][0] - lead_s <= time_s <= end_s

    def positions(self, times_s: np.ndarray) -> np.ndarray:
        """Positions in seconds at ``times_s`` (any shape); carried on at normal speed past the anchors."""
        asked = np.asarray(times_s)
        times, places = np.array(self.anchors).T
        offsets = places - self.step * times
        reach = min(_NEIGHBOURS, (len(offsets) - 1) // 2)
        if reach:
            padded = np.pad(offsets, reach, mode="reflect")
            offsets = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1), axis=1)
        found = self.step * asked + np.interp(asked, times, offsets)
        # What arrived between two anchors belongs between them: a stalled machine hands over late what came in time,
        # and the order is then truer than the clock. Half-way is the best guess where the clock is no help at all.
        after = np.searchsorted(times, asked, side="right")
        inner = (after > 0) & (after < len(times))
        pair = places[np.maximum(after - 1, 0)], places[np.minimum(after, len(times) - 1)]
        nearest = np.clip(found, np.minimum(*pair), np.maximum(*pair))
        ordered = np.where(np.abs(found - nearest) > _CLOCK_SLACK_S, (pair[0] + pair[1]) / 2, nearest)
        return np.where(inner, ordered, found)

    def position(self, time_s: float) -> float:
        """Position in seconds at ``time_s``."""
        return float(self.positions(np.array(time_s)))


@dataclass(frozen=True)
class Whereabouts:
    """Where the transport is: seconds from midnight, whether it runs, and which messages say so."""

    position_s: float
    running: bool
    source: str


class TransportFollower:
    """Feed every message with the moment it arrived (seconds, any monotonic clock); ask where the transport is.

    ``rates`` are the frame rates behind MTC's four codes. ``keep`` bounds the anchors and runs remembered; ``None``
    keeps all, for a capture.
    """

    #: Best first: MTC is a measured position, MMC a command, song position depends on a steady tempo.
    SOURCES = ("mtc", "mmc", "clock")

    def __init__(self, rates: Sequence[FrameRate] = MTC_RATES, keep: int | None = 2 * _NEIGHBOURS) -> None:
        self.runs: deque[Run] = deque(maxlen=None if keep is None else 8)
        self._keep = keep
        self._rates = rates
        self._open: dict[str, Run] = {}
        self._stands: Whereabouts | None = None
        self._quarter_frames = QuarterFrames(rates)
        self._next_set: Timecode | None = None
        self._located_s: float | None = None
        self._song_quarters = 0.0
        self._clocks: list[float] | None = None  # arrival of the first clocks since start; None while stopped
        self._handlers = {
            "quarter_frame": self._on_quarter_frame,
            "sysex": self._on_sysex,
            "songpos": self._on_song_position,
            "start": self._on_start,
            "continue": self._on_continue,
            "clock": self._on_clock,
            "stop": self._on_stop,
        }

    def feed(self, message: mido.Message, time_s: float) -> None:
        """Take in one message; those that say nothing about the transport are ignored."""
        handler = self._handlers.get(message.type)
        if handler is not None:
            handler(message, time_s)

    def whereabouts(self, time_s: float) -> Whereabouts | None:
        """Where the transport is at ``time_s``; ``None`` until anything has said so."""
        silent = None
        for source in self.SOURCES:
            run = self._open.get(source)
            if run is not None and run.holds(time_s):
                return Whereabouts(run.position(time_s), True, source)
            if run is not None and silent is None:
                silent = Whereabouts(run.position(run.heard_s), False, source)
        return silent or self._stands

    def run_at(self, time_s: float) -> Run | None:
        """The best remembered run that was under way at ``time_s``; a run that plays backwards is none."""
        for lead_s in (0.0, LEAD_S):
            held = [run for run in self.runs if run.step == 1 and run.holds(time_s, lead_s)]
            if held:
                return min(held, key=lambda run: self.SOURCES.index(run.source))
        return None

    def _begin(self, source: str, anchors: Iterable[tuple[float, float]], step: int = 1) -> Run:
        run = Run(source, deque(anchors, maxlen=self._keep), step)
        self._open[source] = run
        self.runs.append(run)
        return run

    def _end(self, source: str, time_s: float) -> None:
        run = self._open.pop(source, None)
        if run is not None:
            run.end_s = min(time_s, run.heard_s + SILENCE_S)
            self._stands = Whereabouts(run.position(run.end_s), False, source)

    # ---------------------------------------------------------------------------------------------------- MTC

    def _on_quarter_frame(self, message: mido.Message, time_s: float) -> None:
        run = self._open.get("mtc")
        if run is not None and time_s - run.heard_s > PAUSE_S:
            self._end("mtc", run.heard_s)
            run = None
        pieces = self._quarter_frames.feed(message, time_s)
        if run is not None:
            run.heard_s = time_s
        if not pieces:
            return
        timecode = pieces[0].timecode
        step = 1 if pieces[0].quarters == 0 else -1
        if run is not None and (run.step != step or self._jumped(run, pieces[0])):
            self._end("mtc", min(piece.time_s for piece in pieces))  # located while playing, or turned round
            run = None
        self._next_set = timecode + 2 * step
        anchors = [(piece.time_s, float(piece.position_s)) for piece in pieces]
        if run is None:
            run = self._begin("mtc", anchors, step)
            run.heard_s = time_s
        else:
            run.anchors.extend(anchors)

    def _jumped(self, run: Run, piece: Piece) -> bool:
        """Whether the host moved. Messages lost or late leave it between its last place and the one that is due."""
        if piece.timecode == self._next_set:
            return False
        ahead_s = run.step * (float(piece.position_s) - run.anchors[-1][1])
        due_s = run.step * (run.position(piece.time_s) - run.anchors[-1][1])
        return not 0 < ahead_s < due_s + JUMP_S

    def _on_sysex(self, message: mido.Message, time_s: float) -> None:
        timecode = parse_full_frame(message, self._rates)
        if timecode is not None:
            self._end("mtc", time_s)
            self._stands = Whereabouts(float(timecode.seconds), False, "mtc")
        for command in parse_mmc(message, self._rates):
            self._on_command(command, time_s)

    # ---------------------------------------------------------------------------------------------------- MMC

    def _on_command(self, command: MmcCommand, time_s: float) -> None:
        playing = "mmc" in self._open
        if command.position_s is not None:
            self._end("mmc", time_s)
            self._located_s = float(command.position_s)
            self._stands = Whereabouts(self._located_s, False, "mmc")
            if playing:
                self._begin("mmc", [(time_s, self._located_s)])
        elif command.name in ("play", "record"):
            # Play without any locate before it says nothing about where.
            if not playing and self._located_s is not None:
                self._begin("mmc", [(time_s, self._located_s)])
        elif playing and command.name != "record_exit":
            self._located_s = self._open["mmc"].position(time_s)
            self._end("mmc", time_s)

    # ------------------------------------------------------------------------------------ song position and clock

    def _on_song_position(self, message: mido.Message, time_s: float) -> None:
        self._song_quarters = message.pos / 4
        if self._clocks is not None:
            self._on_continue(message, time_s)

    def _on_start(self, message: mido.Message, time_s: float) -> None:
        self._song_quarters = 0.0
        self._on_continue(message, time_s)

    def _on_continue(self, message: mido.Message, time_s: float) -> None:
        self._end("clock", time_s)
        self._clocks = []

    def _on_clock(self, message: mido.Message, time_s: float) -> None:
        clocks = self._clocks
        if clocks is None:
            return  # many hosts tick on while they stand
        run = self._open.get("clock")
        # The first clock after start is the beat itself. Time since then needs no tempo; where in the song that
        # was does, so the run's one anchor is set right while the tempo becomes known.
        if len(clocks) <= _TEMPO_CLOCKS:
            clocks.append(time_s)
            quarter_s = 24 * (time_s - clocks[0]) / max(len(clocks) - 1, 1)
            anchor = (clocks[0], self._song_quarters * quarter_s)
            if run is not None:
                run.anchors[0] = anchor
            elif len(clocks) > 1 or not self._song_quarters:
                run = self._begin("clock", [anchor])
        if run is not None:
            run.heard_s = time_s

    def _on_stop(self, message: mido.Message, time_s: float) -> None:
        self._end("clock", time_s)
        self._clocks = None
