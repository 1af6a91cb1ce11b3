"""What is heard when takes are switched and followed, without any device: only numbers."""

import numpy as np
import pytest

from bridge.playback import FADE_S, OUT_OF_SYNC_S, Playback, TransportClock

RATE = 48000
BLOCK = 256


def tone(seconds: float, hertz: float = 100.0, level: float = 0.5, channels: int = 1) -> np.ndarray:
    wave = level * np.cos(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def ruler(seconds: float) -> np.ndarray:
    """Every sample says where it is."""
    return (np.arange(round(seconds * RATE), dtype=np.float32) / 2**23)[:, None]


class Listener:
    """Fills block after block, on a clock of its own."""

    def __init__(self, channels: int = 1) -> None:
        self.playback = Playback(RATE, channels)
        self.clock_s = 0.0

    def hear(self, seconds: float, jitter_s: float = 0.0) -> np.ndarray:
        rng = np.random.default_rng(1)
        blocks = []
        for _ in range(round(seconds * RATE / BLOCK)):
            blocks.append(self.playback.fill(BLOCK, self.clock_s + rng.uniform(-jitter_s, jitter_s)))
            self.clock_s += BLOCK / RATE
        return np.concatenate(blocks)


def steepest(audio: np.ndarray) -> float:
    return float(np.abs(np.diff(audio[:, 0])).max())


def test_a_take_sounds_as_it_is_and_once():
    listener = Listener(2)
    take = np.random.default_rng(0).uniform(-1, 1, (10_000, 2)).astype(np.float32)
    listener.playback.play(take, 3600.0)
    heard = listener.hear(1.0)
    assert np.array_equal(heard[:10_000], take)
    assert not heard[10_000:].any() and not listener.playback.sounding


@pytest.mark.parametrize("seconds", [0.013, 0.4])
def test_switching_does_not_click(seconds):
    listener = Listener()
    listener.playback.play(tone(2.0), 0.0)
    before = listener.hear(seconds)
    # The other take begins softly: what could click is only the cut in the first.
    listener.playback.play(tone(2.0, 150) * np.linspace(0, 1, 2 * RATE, dtype=np.float32)[:, None], 0.0)
    heard = np.concatenate([before, listener.hear(0.5)])
    natural = 0.5 * 2 * np.pi * 100 / RATE
    assert steepest(heard) < natural + 0.5 * np.pi / (2 * FADE_S * RATE) + 1e-3
    assert steepest(heard) < 0.05 * 0.5  # a cut would be a step of up to the tone's whole height


def test_switching_between_equal_takes_is_inaudible_while_the_transport_runs():
    listener = Listener()
    take = tone(3.0, 440)
    listener.playback.transport = TransportClock(0.0)
    listener.playback.play(take, 0.0)
    first = listener.hear(1.0)
    listener.playback.play(take.copy(), 0.0)
    heard = np.concatenate([first, listener.hear(1.0)])
    assert np.abs(heard - take[: len(heard)]).max() < 1e-6


def test_takes_with_other_starts_are_switched_at_the_same_place_of_the_timeline():
    listener = Listener()
    listener.playback.transport = TransportClock(100.0)
    listener.playback.play(ruler(4.0), 100.0)
    listener.hear(1.0)
    listener.playback.play(ruler(4.0), 99.5)
    now = listener.clock_s
    heard = listener.hear(0.5)
    assert heard[-1, 0] * 2**23 == pytest.approx((now + 0.5 + 0.5) * RATE, abs=BLOCK)


def test_stopping_fades_and_stays_silent():
    listener = Listener()
    listener.playback.transport = TransportClock(0.0)
    listener.playback.play(tone(5.0), 0.0)
    before = listener.hear(0.5)
    listener.playback.stop()
    after = listener.hear(1.0)
    assert steepest(np.concatenate([before, after])) < 0.02
    assert not after[round(FADE_S * RATE) + BLOCK :].any()


def test_hammering_the_key_never_clips_or_piles_up():
    listener = Listener()
    heard = []
    for _ in range(200):
        listener.playback.play(tone(1.0, level=0.4), 0.0)
        heard.append(listener.hear(0.006))
    assert np.abs(np.concatenate(heard)).max() <= 1.0
    listener.hear(0.1)
    assert len(listener.playback._fading) == 0


@pytest.mark.parametrize("start_s", [3600.0, 3602.5, 3590.0])
def test_it_sounds_where_the_transport_is(start_s):
    listener = Listener()
    listener.playback.transport = TransportClock(3600.0)  # at 3600 s when the clock says 0
    listener.playback.play(ruler(20.0), start_s)
    heard = listener.hear(4.0)[:, 0] * 2**23
    places = np.arange(len(heard)) + (3600.0 - start_s) * RATE
    audible = places >= FADE_S * RATE + (0 if start_s >= 3600 else places[0])
    assert np.abs(heard - places)[audible].max() < 2
    assert not heard[places < 0].any()


def test_jitter_of_the_clock_is_not_heard():
    listener = Listener()
    listener.playback.transport = TransportClock(0.0)
    listener.playback.play(ruler(20.0), 0.0)
    heard = listener.hear(10.0, jitter_s=0.006)[:, 0] * 2**23
    assert np.abs(np.diff(heard[2 * BLOCK :]) - 1).max() < 0.01  # never put right, never a seam


def test_a_drifting_transport_is_followed():
    listener = Listener()
    listener.playback.play(ruler(60.0), 0.0)
    for second in range(40):
        listener.playback.transport = TransportClock(second * 0.001)  # gains a millisecond each second
        heard = listener.hear(1.0)
        place = listener.clock_s + second * 0.001
        assert heard[-1, 0] * 2**23 == pytest.approx(place * RATE, abs=(OUT_OF_SYNC_S + 0.002) * RATE)


def test_a_locate_is_followed_at_once_and_without_a_click():
    listener = Listener()
    listener.playback.transport = TransportClock(0.0)
    listener.playback.play(ruler(20.0), 0.0)
    before = listener.hear(1.0)
    listener.playback.transport = TransportClock(10.0)
    after = listener.hear(0.5)
    assert after[-1, 0] * 2**23 == pytest.approx(11.5 * RATE, abs=BLOCK)
    assert steepest(np.concatenate([before, after])) < 2 * 11 * RATE / 2**23 / (FADE_S * RATE)


def test_it_stops_with_the_transport_and_comes_back_with_it():
    listener = Listener()
    listener.playback.transport = TransportClock(0.0)
    listener.playback.play(tone(2.0), 0.0)
    assert listener.hear(0.5).any()
    listener.playback.transport = None
    listener.hear(0.1)
    assert not listener.hear(0.5).any()
    listener.playback.transport = TransportClock(0.5 - listener.clock_s)  # played again from half a second on
    assert listener.hear(0.5).any()


def test_after_the_take_there_is_silence_and_before_it_too():
    listener = Listener()
    listener.playback.transport = TransportClock(0.0)
    listener.playback.play(tone(1.0), 1.0)
    heard = listener.hear(4.0)
    loud = np.flatnonzero(np.abs(heard[:, 0]) > 0)
    assert abs(loud[0] - RATE) <= BLOCK and abs(loud[-1] - 2 * RATE) <= BLOCK
