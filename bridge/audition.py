"""Audition: a take through the chosen sound device, in step with the host's transport while that runs.

PortAudio is asked for only when something is to be played. Without it, or without a device, `Player.state` says so
and everything else goes on.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bridge.broadcast_wave import read_broadcast_wave
from bridge.midi.transport import Whereabouts
from bridge.playback import Playback, TransportClock

#: How often the transport is asked where it is.
_FOLLOW_EVERY_S = 0.02
#: A device that has asked for no sound for so long has stopped: it is given back, and opened anew for the next take.
_STOPPED_S = 5.0
#: A device is given back within this time, or never.
_CLOSE_WITHIN_S = 2.0
_GONE = "the sound system has gone away; restart the service to audition again"


class AuditionError(RuntimeError):
    """Nothing can be played; ``str()`` is one line that says why and what to do."""


@dataclass(frozen=True)
class AuditionState:
    """``available``: takes can be played, on ``device``. ``reason``: why not."""

    available: bool
    device: str = ""
    reason: str = ""

    def __str__(self) -> str:
        return f"audition on {self.device}" if self.available else f"no audition: {self.reason}"


class Player:
    """Plays one take at a time; playing the next fades into it.

    ``device`` is a number or a part of the name of an output, the system's own if ``None``. ``follow`` answers where
    the host's transport is (`MidiDoor.whereabouts`): while it runs, the take sounds where it lies on the timeline,
    each time the transport passes it, until `stop`; while it stands, a take is played from its beginning, once.
    ``lost`` is told, once, from a thread of ours, when the sound system has died and nothing more can be played.
    """

    def __init__(
        self,
        device: int | str | None = None,
        follow: Callable[[], Whereabouts | None] | None = None,
        lost: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._device = device
        self._follow = follow
        self._tell_lost = lost
        self._filled_s = 0.0
        self._lock = threading.Lock()
        self._stream: Any = None
        self._lost = False
        self._playback: Playback | None = None
        self._closing = threading.Event()
        self._follower: threading.Thread | None = None

    @property
    def state(self) -> AuditionState:
        """What a take would be played on now."""
        with self._lock:
            try:
                _, found = self._find()
            except AuditionError as error:
                return AuditionState(False, reason=str(error))
        return AuditionState(True, str(found["name"]))

    def play(self, path: Path) -> None:
        """Play the take at ``path`` from now on.

        Raises ``AuditionError`` without a device, ``BroadcastWaveError`` or ``FileNotFoundError`` without a take.
        """
        wave = read_broadcast_wave(path)
        with self._lock:
            playback = self._opened(wave.rate)
            audio = wave.audio
            if wave.rate != playback.rate:
                import soxr

                audio = soxr.resample(audio, wave.rate, playback.rate)
            playback.transport = self._transport()
            playback.play(_spread(audio, playback.channels), wave.time_reference / wave.rate)

    def stop(self) -> None:
        """Fade out what plays."""
        with self._lock:
            if self._playback is not None:
                self._playback.stop()

    @property
    def playing(self) -> bool:
        """Whether a take sounds at this moment."""
        with self._lock:
            return self._stream is not None and self._stream.active and bool(self._playback and self._playback.sounding)

    def close(self) -> None:
        """Give the device back; `play` takes it anew."""
        self._closing.set()
        if self._follower is not None:
            self._follower.join()
            self._follower = None
        with self._lock:
            self._give_back()

    def _opened(self, rate: int) -> Playback:
        """The stream that is open, or a new one, at the take's own ``rate`` where the device can."""
        if self._stream is not None and self._stream.active and self._playback is not None:
            return self._playback
        self._give_back()
        sounddevice, found = self._find()
        channels = min(2, int(found["max_output_channels"]))
        index = int(found["index"])
        try:
            sounddevice.check_output_settings(index, channels, "float32", samplerate=rate)
        except (sounddevice.PortAudioError, ValueError):
            rate = int(found["default_samplerate"])
        playback = Playback(rate, channels)

        def fill(out: np.ndarray, frames: int, moments: Any, _: object) -> None:
            self._filled_s = time.monotonic()
            ahead_s = moments.outputBufferDacTime - moments.currentTime
            # Some systems report no times; then the stream's own latency is the best guess.
            ahead_s = ahead_s if 0 < ahead_s < 2 else stream.latency
            out[:] = playback.fill(frames, time.monotonic() + ahead_s)

        try:
            stream = sounddevice.OutputStream(rate, device=index, channels=channels, dtype="float32", callback=fill)
            stream.start()
        except sounddevice.PortAudioError as error:
            raise AuditionError(
                f"{found['name']} does not open ({_first_line(error)}); choose another device"
            ) from error
        self._stream, self._playback, self._filled_s = stream, playback, time.monotonic()
        if self._follower is None:
            self._closing.clear()
            self._follower = threading.Thread(target=self._keep_following, name="audition", daemon=True)
            self._follower.start()
        return playback

    def _find(self) -> tuple[Any, Any]:
        """sounddevice, and its description of the wanted output. Raises ``AuditionError``."""
        if self._lost:
            raise AuditionError(_GONE)
        try:
            import sounddevice
        except OSError as error:
            raise AuditionError("PortAudio is missing (Debian: apt install libportaudio2)") from error
        except ImportError as error:
            raise AuditionError("sounddevice is not installed; pip install sounddevice") from error
        try:
            if self._stream is None:
                # PortAudio lists devices once, when it starts; what was plugged in since is found by starting anew.
                sounddevice._terminate()
                sounddevice._initialize()
            return sounddevice, sounddevice.query_devices(self._device, "output")
        except (sounddevice.PortAudioError, ValueError) as error:
            outputs = [each["name"] for each in sounddevice.query_devices() if each["max_output_channels"] > 0]
            if not outputs:
                raise AuditionError("this machine has no sound output; takes are still written") from error
            wanted = "the system has no default output" if self._device is None else f"no output {self._device!r}"
            raise AuditionError(f"{wanted} (there are: {', '.join(outputs)})") from error

    def _transport(self) -> TransportClock | None:
        where = self._follow() if self._follow is not None else None
        return TransportClock(where.position_s - time.monotonic()) if where is not None and where.running else None

    def _keep_following(self) -> None:
        # Not in the audio callback: the door may hold its lock just then, and a callback may not wait.
        while not self._closing.wait(_FOLLOW_EVERY_S):
            transport = self._transport()
            playback = self._playback
            if playback is not None:
                playback.transport = transport
                if time.monotonic() - self._filled_s > _STOPPED_S:
                    with self._lock:
                        self._give_back()

    def _give_back(self) -> None:
        stream, self._stream, self._playback = self._stream, None, None
        if stream is None:
            return
        closing = threading.Thread(target=stream.close, name="audition close", daemon=True)
        closing.start()
        closing.join(_CLOSE_WITHIN_S)
        if closing.is_alive():
            # A sound server that died keeps PortAudio waiting for ever, at the program's end too: leave it behind.
            self._lost = True
            import sounddevice

            atexit.unregister(sounddevice._exit_handler)
            self._tell_lost(_GONE)


def _spread(audio: np.ndarray, channels: int) -> np.ndarray:
    """``audio`` (samples, n) on as many channels as the device has: mono to all, more than there are to their mean."""
    if audio.shape[1] == channels:
        return audio
    return np.repeat(audio.mean(axis=1, keepdims=True), channels, axis=1)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
