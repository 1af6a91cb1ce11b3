"""Draw an Audio for Pro Tools 2025.10 and later: run it beside Pro Tools, and use the items it adds to the Import menu.

    pip install 'draw-an-audio[protools]'
    python drawaudio_protools.py

It reads the drawn volume automation and the memory locations, asks the service, and spots the takes on `TRACK · Foley`.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import drawaudio_spool as spool

from bridge.timecode import FRAME_RATES, Timecode

Command = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Run one PTSL command by name with its request body; the response body, both as the proto's JSON."""

HOST = "protools"
TAKE_SUFFIX = " · Foley"
POLL_S = 0.1
EVERYTHING = {"limit": 10_000, "offset": 0}
VOLUME = {"section": "TSId_MainOut", "control_type": "TCType_Volume"}

#: PTSL's names of the timecode rates -> ours.
RATES = {
    "STCRate_Fps23976": "23.976",
    "STCRate_Fps24": "24",
    "STCRate_Fps25": "25",
    "STCRate_Fps2997": "29.97NDF",
    "STCRate_Fps2997Drop": "29.97DF",
    "SSTCRate_Fps2997Drop": "29.97DF",
    "STCRate_Fps30": "30",
    "STCRate_Fps48": "48",
    "STCRate_Fps50": "50",
    "STCRate_Fps5994": "59.94NDF",
    "STCRate_Fps5994Drop": "59.94DF",
    "STCRate_Fps60": "60",
}


#: How Pro Tools writes a place -> its type. A memory location comes without one, in what the main counter shows.
SPELLINGS = (
    (r"\d+", "TLType_Samples"),
    (r"\d+:\d+:\d+[:;]\d+(\.\d+)?", "TLType_TimeCode"),
    (r"(\d+:)?\d+:\d+\.\d+", "TLType_MinSecs"),
    (r"\d+\|\d+(\|\s*\d+)?", "TLType_BarsBeats"),
    (r"\d+\+\d+(\.\d+)?", "TLType_FeetFrames"),
)


@dataclass(frozen=True)
class Place:
    """Where a take belongs: session and source track; where span and session start, in samples of the session."""

    session: str
    track: str
    start: int
    offset: int


@dataclass(frozen=True)
class Sounding:
    """The take that was spotted last: what Regenerate and Keep mean."""

    take: Mapping[str, Any]
    place: Place


class ProTools:
    """The session that is open, through PTSL commands."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def session(self) -> str:
        """Path of the session that is open."""
        return str(self._command("CId_GetSessionPath", {})["session_path"]["path"])

    def rate(self) -> int:
        name = str(self._command("CId_GetSessionSampleRate", {})["sample_rate"])
        return int(name.rpartition("_")[2])

    def offset(self) -> int:
        """Samples from timecode midnight to the session's start. Raises DrawAudioError for a rate we do not have."""
        name = str(self._command("CId_GetSessionTimeCodeRate", {})["current_setting"])
        rate = RATES.get(name.replace("STCR_", "STCRate_"))
        if rate is None:
            raise spool.DrawAudioError(f"The session's timecode rate {name} is not supported: choose another in Setup.")
        start = str(self._command("CId_GetSessionStartTime", {})["session_start_time"])
        return Timecode.parse(start, FRAME_RATES[rate]).samples(self.rate())

    def track(self) -> Mapping[str, Any]:
        """The one selected track; a take track stands for the track it answers. Raises DrawAudioError."""
        selected = self.selected()
        if len(selected) != 1:
            raise spool.DrawAudioError("Select exactly one track: the one whose volume you drew.")
        name = selected[0]["name"]
        if name.endswith(TAKE_SUFFIX):
            return next((t for t in self.tracks() if t["name"] == name[: -len(TAKE_SUFFIX)]), selected[0])
        return dict(selected[0])

    def selected(self) -> list[Mapping[str, Any]]:
        body = {"track_filter_list": [{"filter": "TLFilter_Selected"}], "pagination_request": EVERYTHING}
        return list(self._command("CId_GetTrackList", body).get("track_list", []))

    def tracks(self) -> list[Mapping[str, Any]]:
        return list(self._command("CId_GetTrackList", {"pagination_request": EVERYTHING}).get("track_list", []))

    def selection(self) -> tuple[int, int]:
        """The edit selection in samples from the session's start."""
        answer = self._command("CId_GetEditSelection", {"location_type": "TLType_Samples"})
        return int(answer["in_time"]), int(answer["out_time"])

    def locations(self) -> list[Mapping[str, Any]]:
        return list(
            self._command("CId_GetMemoryLocations", {"pagination_request": EVERYTHING}).get("memory_locations", [])
        )

    def samples(self, location: str, time_type: str) -> int:
        """A place on the session's timeline in samples from its start."""
        body = {"location": {"location": location, "time_type": time_type}, "time_type": "TLType_Samples"}
        return int(self._command("CId_GetTimeAsType", body)["converted_location"]["location"])

    def location_samples(self, location: str) -> int:
        """A memory location in samples from the session's start. Raises DrawAudioError for one it cannot read."""
        for spelling, time_type in SPELLINGS:
            if re.fullmatch(spelling, location.strip()):
                return self.samples(location, time_type)
        raise spool.DrawAudioError(
            f"The memory location at {location!r} cannot be read: set the main counter to Samples."
        )

    def lane(self, track: str, start: int, end: int, rate: int) -> dict[str, Any] | None:
        """The drawn volume between two samples, in dB, evaluated at the edges; None where nothing is drawn."""
        info = self._command("CId_GetTrackControlInfo", {"track_names": [track], "control_id": VOLUME})["control_info"]
        if float(info.get("min_value", 0)) >= 0:
            # The unit is nowhere written down; a range that begins at 0 cannot be dB.
            raise spool.DrawAudioError("Pro Tools gave the volume in a unit other than dB; please report its version.")
        body = {"track_name": track, "control_id": VOLUME}
        found = self._command("CId_GetTrackControlBreakpoints", body).get("breakpoints", [])
        if not found:
            return None
        points = sorted((self._point_samples(point), float(point.get("value", 0.0))) for point in found)
        inside = [(at, value) for at, value in points if start < at < end]
        edges = [(start, _between(points, start)), *inside, (end, _between(points, end))]
        return {"domain": "db", "points": [{"time_s": (at - start) / rate, "value": value} for at, value in edges]}

    def _point_samples(self, point: Mapping[str, Any]) -> int:
        time = point["time"]
        if time["time_type"] == "TLType_Samples":
            return int(time["location"])
        return self.samples(time["location"], time["time_type"])

    def ensure_take_track(self, source: str, channels: int) -> str:
        name = source + TAKE_SUFFIX
        if not any(track["name"] == name for track in self.tracks()):
            selected = [track["name"] for track in self.selected()]
            self._command(
                "CId_CreateNewTracks",
                {
                    "number_of_tracks": 1,
                    "track_name": name,
                    "track_format": "TFormat_Stereo" if channels == 2 else "TFormat_Mono",
                    "track_type": "TType_Audio",
                    "track_timebase": "TTimebase_Samples",
                    "insertion_point_position": "TIPoint_After",
                    "insertion_point_track_name": source,
                },
            )
            # Pro Tools selects a track it makes; the designer's stay selected.
            if selected:
                self._command("CId_SelectTracksByName", {"track_names": selected, "selection_mode": "SMode_Replace"})
        return name

    def spot(self, path: str, track: str, sample: int) -> None:
        """Import a file into the clip list and put its clip at a sample of the session."""
        body = {"file_list": [path], "audio_operations": "AOperations_CopyAudio"}
        answer = self._command("CId_ImportAudioToClipList", body)
        if answer.get("failure_list"):
            raise spool.DrawAudioError(f"Pro Tools could not import {path}.")
        clips = answer["file_list"][0]["destination_file_list"][0]["clip_id_list"]
        location = {"location": str(sample), "time_type": "TLType_Samples"}
        self._command(
            "CId_SpotClipsByID",
            {
                "src_clips": clips,
                "dst_track_name": track,
                "dst_location_data": {"location_type": "SLType_Start", "location": location},
            },
        )

    def add_menu(self, label: str) -> str:
        text = [{"locale": "en", "ui_string": label}]
        body = {"menu_info": {"menu_area": "MArea_Import", "menu_label": text}}
        return str(self._command("CId_InstallMenuHandler", body)["menu_item_id"])

    def subscribe(self) -> None:
        self._command("CId_SubscribeToEvents", {"events": [{"event_id": "EId_MenuItemSelected"}]})

    def chosen(self) -> str | None:
        """The menu item that was chosen since the last call, or None."""
        event = (self._command("CId_PollEvents", {}) or {}).get("event") or {}
        if event.get("event_id") != "EId_MenuItemSelected":
            return None
        return str(json.loads(event["event_data_json"])["menu_item_id"])


class Companion:
    """The verbs, and the takes that are waited for. `tell` shows one line to the designer."""

    def __init__(self, tools: ProTools, tell: Callable[[str], None]) -> None:
        self._tools = tools
        self._tell = tell
        self._requests: list[spool.Request] = []
        self._last: Sounding | None = None
        self.verbs: dict[str, Callable[[], None]] = {
            "Generate": self.generate,
            "Regenerate": self.regenerate,
            "Regenerate selection": self.regenerate_selection,
            "Keep": self.keep,
            "Cancel": self.cancel,
        }

    def run(self, verb: str) -> None:
        """One verb; what goes wrong is told, not raised."""
        try:
            self.verbs[verb]()
        except spool.DrawAudioError as error:
            self._tell(str(error))

    def poll(self) -> None:
        """Spot what got ready."""
        for request in list(self._requests):
            try:
                for take in request.poll():
                    self._try_to_place(take, request.context)
            except spool.DrawAudioError as error:
                self._tell(str(error))
            if not request.open:
                self._requests.remove(request)

    def generate(self) -> None:
        tools = self._tools
        track, rate, offset = tools.track()["name"], tools.rate(), tools.offset()
        text, start, end = self._span(track)
        body = spool.cue(
            text,
            track,
            start + offset,
            rate,
            (end - start) / rate,
            tools.lane(track, start, end, rate),
            self._marks(start, end, rate),
        )
        self._requests.append(spool.Request(HOST, body, Place(tools.session(), track, start, offset)))
        self._tell(f"asked for: {text}")

    def regenerate(self) -> None:
        last = self._sounding()
        self._requests.append(spool.Request(HOST, spool.regenerate(last.take), last.place))

    def regenerate_selection(self) -> None:
        last, rate = self._sounding(), self._tools.rate()
        start, end = self._tools.selection()
        if end <= start:
            raise spool.DrawAudioError("Select the time that shall be made anew, inside the take.")
        body = spool.regenerate(last.take, (start - last.place.start) / rate, (end - last.place.start) / rate)
        self._requests.append(spool.Request(HOST, body, last.place))

    def keep(self) -> None:
        last = self._sounding()
        self._requests.append(spool.Request(HOST, spool.keep(last.take), last.place))

    def cancel(self) -> None:
        if not self._requests:
            raise spool.DrawAudioError("Nothing is being made: there is nothing to cancel.")
        for request in self._requests:
            request.cancel()
        self._requests.clear()

    def _sounding(self) -> Sounding:
        if self._last is None:
            raise spool.DrawAudioError("There is no take yet: use Generate first.")
        self._must_be_open(self._last.place)
        return self._last

    def _must_be_open(self, place: Place) -> None:
        if self._tools.session() != place.session:
            raise spool.DrawAudioError(f"It was made for the session {place.session}, and another one is open.")

    def _try_to_place(self, take: Mapping[str, Any], place: Place) -> None:
        """A take that Pro Tools refuses must not keep the next ones away."""
        try:
            self._place(take, place)
        except spool.DrawAudioError as error:
            self._tell(f"{error} The take is {take['path']}")

    def _place(self, take: Mapping[str, Any], place: Place) -> None:
        self._must_be_open(place)
        track = self._tools.ensure_take_track(place.track, int(take["channels"]))
        self._tools.spot(str(take["path"]), track, int(take["start_samples"]) - place.offset)
        self._last = Sounding(take, place)
        self._tell(f"{Path(take['path']).name} is on {track}")

    def _selections(self) -> list[tuple[str, int, int]]:
        """Memory locations with a length: (name or comment, start, end) in samples."""
        found = []
        for location in self._tools.locations():
            if "Selection" in str(location.get("time_properties", "")):
                # The comment has room for a prompt; the name stands where there is none.
                text = str(location.get("comments") or location["name"])
                found.append((text, *(self._tools.location_samples(str(location[key])) for key in _ENDS)))
        return found

    def _span(self, track: str) -> tuple[str, int, int]:
        """What to fill: the memory location around the edit cursor, or the edit selection. Raises DrawAudioError."""
        first, last = self._tools.selection()
        around = [(end - start, text, start, end) for text, start, end in self._selections() if start <= first < end]
        if around and last <= max(first, min(around)[3]):
            _, text, start, end = min(around)
            return text, start, end
        if last > first:
            return track, first, last
        raise spool.DrawAudioError("Put the cursor inside a memory location of the kind Selection, or select time.")

    def _marks(self, start: int, end: int, rate: int) -> list[dict[str, Any]]:
        marks = []
        for location in self._tools.locations():
            if "Marker" in str(location.get("time_properties", "")):
                at = self._tools.location_samples(str(location["start_time"]))
                if start <= at < end:
                    marks.append({"time_s": (at - start) / rate, "text": location["name"]})
        return marks


_ENDS = ("start_time", "end_time")


def _between(points: list[tuple[int, float]], at: int) -> float:
    """The lane at a sample: straight between its points, held outside them."""
    before = [point for point in points if point[0] <= at]
    after = [point for point in points if point[0] > at]
    if not before or not after:
        return (before[-1] if before else after[0])[1]
    (x0, y0), (x1, y1) = before[-1], after[0]
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def main() -> int:
    try:
        from grpc import RpcError  # type: ignore[import-not-found]
        from ptsl import PTSL_pb2  # type: ignore[import-not-found]
        from ptsl.client import open_client  # type: ignore[import-not-found]
        from ptsl.errors import CommandError  # type: ignore[import-not-found]
    except ImportError:
        print("py-ptsl is missing: pip install 'draw-an-audio[protools]' (Python 3.12 or later)", file=sys.stderr)
        return 3
    try:
        with open_client("Draw an Audio", "Draw an Audio") as client:

            def command(name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
                try:
                    return client.run_command(PTSL_pb2.CommandId.Value(name), body) or {}
                except CommandError as error:
                    raise spool.DrawAudioError(f"Pro Tools: {error}") from error

            serve(ProTools(command))
    except spool.DrawAudioError as error:
        print(error, file=sys.stderr)
    except RpcError:
        print("Pro Tools does not answer: start it, then this again", file=sys.stderr)
    return 3


def serve(tools: ProTools) -> None:
    """Carry out what is chosen in Pro Tools' menu, until Pro Tools ends."""
    companion = Companion(tools, lambda line: print(line, flush=True))
    items = {tools.add_menu(f"Draw an Audio: {verb}"): verb for verb in companion.verbs}
    tools.subscribe()
    print("ready: File > Import > Draw an Audio; Ctrl-C ends it", flush=True)
    while True:
        verb = items.get(tools.chosen() or "")
        if verb:
            companion.run(verb)
        companion.poll()
        time.sleep(POLL_S)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
