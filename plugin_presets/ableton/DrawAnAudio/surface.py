"""The control surface: six notes are the six verbs; takes land on "TRACK · Foley", each on a take lane of its own."""

import Live

from . import drawaudio_spool as spool
from .lane import Capture, level_db

HOST = "live"
TAKE_SUFFIX = " \u00b7 Foley"
CHANNEL = 15
#: Live tells scripts no sample rate. Takes are placed in beats; this is only the rate of their files.
RATE = 48000
#: Live's own refusals are RuntimeErrors (a frozen track, a file it cannot read): they too are for the designer.
FAULTS = (spool.DrawAudioError, RuntimeError)
VERBS = {60: "generate", 61: "regenerate", 62: "regenerate_selection", 63: "next_take", 64: "keep", 65: "cancel"}


class DrawAnAudio:
    """What Live calls of a Remote Script; see README.md for what each verb does."""

    def __init__(self, c_instance):
        self._live = c_instance
        self._song = c_instance.song()
        self._requests = []
        self._captures = {}
        self._last = None

    # --------------------------------------------------------------------------------------- called by Live
    def build_midi_map(self, midi_map_handle):
        for note in VERBS:
            Live.MidiMap.forward_midi_note(self._live.handle(), midi_map_handle, CHANNEL, note)

    def receive_midi(self, midi_bytes):
        status, note, velocity = ((*tuple(midi_bytes), 0, 0, 0))[:3]
        if status == 0x90 + CHANNEL and velocity > 0 and note in VERBS:
            self.run(VERBS[note])

    def update_display(self):
        """About ten times a second."""
        self._record()
        for request in list(self._requests):
            self._poll(request)

    def disconnect(self):
        self._requests = []

    def connect_script_instances(self, instanciated_scripts):
        pass

    def can_lock_to_devices(self):
        return False

    def refresh_state(self):
        pass

    def suggest_input_port(self):
        return ""

    def suggest_output_port(self):
        return ""

    def suggest_map_mode(self, cc_no, channel):
        return -1

    # --------------------------------------------------------------------------------------- the verbs
    def run(self, verb):
        """One verb; what goes wrong is said in Live's status line."""
        try:
            getattr(self, verb)()
        except FAULTS as error:
            self._tell(str(error))

    def generate(self):
        track = self._source()
        start, end = self._span()
        spb = 60.0 / self._song.tempo
        capture = self._captures.get(track.name)
        body = spool.cue(
            self._prompt(start, end) or track.name,
            track.name,
            round(start * spb * RATE),
            RATE,
            (end - start) * spb,
            capture.between(start, end, spb) if capture else None,
            self._marks(start, end, spb),
        )
        self._ask(body, (track, start))

    def regenerate(self):
        take, place = self._sounding()
        self._ask(spool.regenerate(take), place)

    def regenerate_selection(self):
        take, place = self._sounding()
        start, end = self._span()
        spb = 60.0 / self._song.tempo
        self._ask(spool.regenerate(take, (start - place[1]) * spb, (end - place[1]) * spb), place)

    def next_take(self):
        raise spool.DrawAudioError("Live lets no script choose a take: audition the track's take lanes.")

    def keep(self):
        take, place = self._sounding()
        self._requests.append(spool.Request(HOST, spool.keep(take), place))
        self._tell("Draw an Audio: kept")

    def cancel(self):
        if not self._requests:
            raise spool.DrawAudioError("Nothing is being made: there is nothing to cancel.")
        for request in self._requests:
            request.cancel()
        self._requests = []
        self._tell("Draw an Audio: cancelled")

    # --------------------------------------------------------------------------------------- what Live knows
    def _source(self):
        track = self._song.view.selected_track
        if track.name.endswith(TAKE_SUFFIX):
            name = track.name[: -len(TAKE_SUFFIX)]
            return next((other for other in self._song.tracks if other.name == name), track)
        return track

    def _span(self):
        start, length = self._song.loop_start, self._song.loop_length
        if length <= 0:
            raise spool.DrawAudioError("Put the loop brace around the span that shall sound.")
        return start, start + length

    def _prompt(self, start, end):
        """The locator at the span's start, or the nearest one inside it."""
        inside = self._locators(start, end)
        return inside[0][1] if inside else ""

    def _marks(self, start, end, spb):
        return [{"time_s": (at - start) * spb, "text": name} for at, name in self._locators(start, end)[1:]]

    def _locators(self, start, end):
        """(beats, name) of those inside a span, in order of time. One that ends a pair, "rain<", asks for nothing."""
        inside = [(p.time, p.name) for p in self._song.cue_points if start - 1e-6 <= p.time < end]
        return sorted(locator for locator in inside if not locator[1].rstrip().endswith("<"))

    def _record(self):
        if not self._song.is_playing:
            return
        track = self._source()
        volume = track.mixer_device.volume
        capture = self._captures.setdefault(track.name, Capture())
        capture.note(self._song.current_song_time, level_db(volume.str_for_value(volume.value)))

    # --------------------------------------------------------------------------------------- asking and placing
    def _ask(self, body, place):
        self._requests.append(spool.Request(HOST, body, place))
        self._tell(f"Draw an Audio: asked for {place[0].name}")

    def _sounding(self):
        if self._last is None:
            raise spool.DrawAudioError("There is no take yet: use Generate first.")
        return self._last

    def _poll(self, request):
        try:
            for take in request.poll():
                self._try_to_place(take, request.context)
        except spool.DrawAudioError as error:
            self._tell(str(error))
        if not request.open:
            if request in self._requests:
                self._requests.remove(request)
        elif request.stage:
            self._tell(f"Draw an Audio: {100 * request.done:.0f} % {request.stage}")

    def _try_to_place(self, take, place):
        """A take that Live refuses must not keep the next ones away, nor stay unsaid."""
        try:
            self._place(take, place)
        except FAULTS as error:
            self._tell(f"Draw an Audio: {error} The take is {take['path']}")

    def _place(self, take, place):
        source, start = place
        song = self._song
        if source not in [*song.tracks, *song.return_tracks, song.master_track]:
            raise spool.DrawAudioError("its track is gone.")
        view = song.view
        selected = view.selected_track
        song.begin_undo_step()
        try:
            track = self._take_track(source.name)
            for home in self._homes(track, start, start + self._beats(take)):
                clip = home.create_audio_clip(take["path"], start)
                if clip is not None:
                    clip.warping = False
        finally:
            # Live selects a track it makes; the designer's stays selected.
            view.selected_track = selected
            song.end_undo_step()
        self._last = (take, place)
        self._tell(f"Draw an Audio: a take is on {track.name}")

    def _beats(self, take):
        return take["samples"] / take["rate"] * self._song.tempo / 60.0

    def _homes(self, track, start, end):
        """Where a take goes: a lane of its own, or before Live 12.2 a track, as a clip over a clip would cut it.

        Live plays the main lane only: the first take at a place goes there too, and sounds at once.
        """
        if not hasattr(track, "create_take_lane"):
            return [track]
        free = not any(clip.start_time < end and start < clip.end_time for clip in track.arrangement_clips)
        return [track.create_take_lane()] + ([track] if free else [])

    def _take_track(self, source):
        name = source + TAKE_SUFFIX
        tracks = list(self._song.tracks)
        used = next((track for track in tracks if track.name == name), None)
        if used is not None and hasattr(used, "create_take_lane"):
            return used
        below = [index for index, track in enumerate(tracks) if track.name == source or track.name.startswith(name)]
        self._song.create_audio_track(below[-1] + 1 if below else -1)
        made = self._song.tracks[below[-1] + 1 if below else -1]
        same = sum(track.name.startswith(name) for track in tracks)
        made.name = name if same == 0 else f"{name} {same + 1}"
        return made

    def _tell(self, text):
        self._live.show_message(text)
