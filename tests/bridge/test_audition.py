"""Auditioning through PortAudio on a real JACK server, and where there is nothing to play on."""

import json
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.audition import AuditionError, Player
from bridge.broadcast_wave import write_broadcast_wave
from bridge.midi.transport import Whereabouts
from tests.bridge.jack_server import RATE, JackServer, running_jack


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    sounddevice = pytest.importorskip("sounddevice", reason="needs PortAudio (Debian: libportaudio2)", exc_type=OSError)
    pytest.importorskip("jack", reason="needs JACK-Client")
    for server in running_jack(block=1024):
        yield server
        sounddevice._terminate()  # PortAudio is not to look for this server once it is gone
    sounddevice._initialize()


class Recorder:
    """Listens at PortAudio's own output and remembers when each block came."""

    def __init__(self) -> None:
        import jack

        self.client = jack.Client("recorder")
        self.port = self.client.inports.register("in")
        self.blocks: list[tuple[float, np.ndarray]] = []

        @self.client.set_process_callback
        def process(_: int) -> None:
            self.blocks.append((time.monotonic(), self.port.get_array().copy()))

    def __enter__(self) -> "Recorder":
        self.client.activate()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.deactivate()
        self.client.close()

    def listen(self) -> None:
        """Connect to what plays, as soon as it is there."""
        end = time.monotonic() + 5
        while time.monotonic() < end:
            outputs = self.client.get_ports("PortAudio:.*", is_output=True, is_audio=True)
            if outputs:
                self.client.connect(outputs[0], self.port)
                return
            time.sleep(0.01)
        raise AssertionError("nothing plays")

    def heard(self) -> np.ndarray:
        return np.concatenate([block for _, block in self.blocks] or [np.zeros(0, np.float32)])


def take(folder: Path, name: str, audio: np.ndarray, start_s: float = 3600.0, rate: int = RATE) -> Path:
    return write_broadcast_wave(folder / name, audio, rate=rate, time_reference=round(start_s * rate))


def tone(seconds: float, hertz: float, rate: int = RATE) -> np.ndarray:
    return 0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def pitch(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18))
    return float(np.argmax(spectrum) * RATE / (1 << 18))


@pytest.mark.jack
@pytest.mark.parametrize("rate", [48000, 44100])
def test_a_take_is_heard_at_its_pitch_whatever_its_rate(jack, tmp_path, rate):
    path = take(tmp_path, "a.wav", tone(3.0, 440, rate), rate=rate)
    player = Player()
    with Recorder() as recorder:
        player.play(path)
        recorder.listen()
        assert player.playing
        time.sleep(1.5)
        heard = recorder.heard()
        player.close()
    loud = heard[np.flatnonzero(np.abs(heard) > 0.01)[0] :][: RATE // 2]
    assert pitch(loud) == pytest.approx(440, abs=1)
    assert np.abs(loud).max() == pytest.approx(0.4, abs=0.01)


@pytest.mark.jack
def test_switching_takes_while_one_plays(jack, tmp_path):
    first, second = (take(tmp_path, f"{hertz}.wav", tone(8.0, hertz)) for hertz in (200, 300))
    player = Player()
    with Recorder() as recorder:
        player.play(first)
        recorder.listen()
        time.sleep(0.5)
        player.play(second)
        time.sleep(0.7)
        heard = recorder.heard()
        player.stop()
        time.sleep(0.3)
        recorder.blocks.clear()
        time.sleep(0.3)
        silence = recorder.heard()
        player.close()
    assert pitch(heard[-RATE // 4 :]) == pytest.approx(300, abs=2)
    assert not silence.any()


@pytest.mark.jack
def test_it_follows_a_running_transport(jack, tmp_path):
    """Noise tells where in the take a moment of sound is from; it must be from where the transport was."""
    noise = np.random.default_rng(5).uniform(-0.5, 0.5, 20 * RATE).astype(np.float32)
    path = take(tmp_path, "noise.wav", noise, start_s=3600.0)
    began = time.monotonic()

    def transport() -> Whereabouts:
        return Whereabouts(3605.0 + time.monotonic() - began, True, "mtc")

    player = Player(follow=transport)
    with Recorder() as recorder:
        player.play(path)
        recorder.listen()
        time.sleep(1.5)
        player.close()
        blocks = recorder.blocks[-16:]
    spectrum = np.fft.rfft(noise, 1 << 20)
    lags = []
    for moment, block in blocks:
        if not block.any():
            continue
        match = np.fft.irfft(spectrum * np.conj(np.fft.rfft(block, 1 << 20)))
        lags.append(np.argmax(match) / RATE - (5.0 + moment - began))
    assert len(lags) > 8
    assert abs(np.median(lags)) < 0.08  # a few blocks of 21 ms lie between the device and the recorder


@pytest.mark.jack
def test_a_device_that_is_not_there_is_named(jack, tmp_path):
    path = take(tmp_path, "a.wav", tone(0.2, 440))
    with pytest.raises(AuditionError, match="no output 'theremin'") as caught:
        Player(device="theremin").play(path)
    assert "\n" not in str(caught.value)
    assert Player().state.available
    assert "audition on system" in str(Player().state)


@pytest.mark.jack
def test_a_sound_server_that_dies_takes_nothing_with_it(tmp_path):
    """PortAudio waits for ever on a dead JACK: playing, closing and ending the program must not, and it is told."""
    path = take(tmp_path, "a.wav", tone(60.0, 440))
    program = f"""
        import json, os, pathlib, signal, subprocess, time
        from bridge.audition import AuditionError, Player
        from tests.bridge import jack_server

        started = []
        start = subprocess.Popen
        jack_server.subprocess.Popen = lambda *a, **k: started.append(start(*a, **k)) or started[-1]
        for server in jack_server.running_jack(block=1024):
            told = []
            player = Player(lost=told.append)
            player.play(pathlib.Path({str(path)!r}))
            time.sleep(0.3)
            before = player.playing
            started[0].kill()
            started[0].wait()
            until = time.monotonic() + 30
            while not told and time.monotonic() < until:
                time.sleep(0.1)
            try:
                player.play(pathlib.Path({str(path)!r}))
            except AuditionError as error:
                said = str(error)
            after = player.playing
            player.close()
        print(json.dumps({{"before": before, "after": after, "said": said, "told": told}}))
    """
    if shutil.which("jackd") is None:
        pytest.skip("needs jackd (Debian: jackd2)")
    said = run_without(program)
    gone = "the sound system has gone away; restart the service to audition again"
    assert said == {"before": True, "after": False, "said": gone, "told": [gone]}


def run_without(program: str, **environment: str) -> dict[str, object]:
    """Runs ``program`` in a process of its own; it prints one JSON object."""
    import os

    env = os.environ | {"JACK_DEFAULT_SERVER": "drawaudio-there-is-none", "JACK_NO_START_SERVER": "1"} | environment
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, env=env, cwd=root, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


def test_without_a_device_it_says_so(tmp_path):
    take(tmp_path, "a.wav", tone(0.2, 440))
    program = f"""
        import json, pathlib
        from bridge.audition import AuditionError, Player
        player = Player(device="theremin")
        try:
            player.play(pathlib.Path({str(tmp_path / "a.wav")!r}))
        except AuditionError as error:
            print(json.dumps({{"state": str(player.state), "error": str(error), "playing": player.playing}}))
        player.stop()
        player.close()
    """
    said = run_without(program)
    assert str(said["state"]).startswith("no audition: ")
    assert not said["playing"] and "\n" not in str(said["error"])


def test_without_portaudio_it_says_what_to_install():
    program = """
        import json, sys
        class NoPortAudio:
            def find_spec(self, name, path=None, target=None):
                if name == "sounddevice":
                    raise OSError("PortAudio library not found")
        sys.meta_path.insert(0, NoPortAudio())
        from bridge.audition import Player
        print(json.dumps({"state": str(Player().state)}))
    """
    assert run_without(program)["state"] == "no audition: PortAudio is missing (Debian: apt install libportaudio2)"


def test_a_take_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        Player().play(tmp_path / "none.wav")
