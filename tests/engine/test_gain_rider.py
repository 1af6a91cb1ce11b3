"""The gain rider brings noise onto a line, keeps silence silent and peaks under the ceiling."""

import numpy as np
import pytest
import torch

from engine.cue import Cue
from engine.curve import CurvePoint, LoudnessCurve
from engine.gain_rider import MAX_BOOST_DB, Asked, frame_level, limit_peaks, ride, running_maximum
from engine.timeline import Timeline


def asked(points: list[tuple[float, float | None]], seconds: float, follow: str = "tight") -> Asked:
    """What a curve of straight dB lines asks of the frames of a cue."""
    curve = LoudnessCurve(tuple(CurvePoint(t, v) for t, v in points), follow=follow)
    cue = Cue.from_json(
        {"version": 1, "prompt": "x", "start": {"samples": 0, "rate": 48000}, "duration_s": seconds, "tail_s": 0.0}
    )
    return Timeline.of(cue, curve).asked(0, round(seconds * 100))


def noise(seconds: float, takes: int = 1, channels: int = 1) -> torch.Tensor:
    """White noise at unit level (RMS 0.1)."""
    return 0.1 * torch.randn(takes, channels, round(seconds * 48_000), generator=torch.Generator().manual_seed(1))


def flat(db: float, seconds: float) -> torch.Tensor:
    return torch.full((1, round(seconds * 100)), db)


def test_tight_swell_is_followed_within_half_a_decibel() -> None:
    line = asked([(0.0, -40.0), (2.0, 0.0), (4.0, -40.0)], 4.0)
    ridden = ride(noise(4.0), flat(-30.0, 4.0), line)
    error = np.abs(ridden.level_after[0].numpy() - line.level)
    assert error[line.level > -50].mean() < 0.5


def test_a_texture_with_holes_is_evened_out_but_not_pumped() -> None:
    texture = noise(2.0)
    texture[..., 48_000:] *= 10 ** (-40 / 20)
    line = asked([(0.0, 0.0)], 2.0)
    level = ride(texture, flat(-30.0, 2.0), line).level_after[0].numpy()
    assert abs(level[20:80].mean() + 20) < 0.5
    assert level[120:180].mean() < -20 - 40 + MAX_BOOST_DB + 1


def test_silence_is_digital_silence_and_its_edges_do_not_click() -> None:
    line = asked([(0.0, -np.inf), (1.0, -np.inf), (1.0, 0.0), (2.0, -np.inf)], 3.0)
    audio = ride(noise(3.0), flat(-20.0, 3.0), line).audio[0, 0]
    assert torch.all(audio[:47_900] == 0) and torch.all(audio[2 * 48_000 + 100 :] == 0)
    assert audio[48_000:96_000].abs().max() > 0.1
    assert audio[:47_976].abs().max() == 0, "the edge of a hit begins within half a millisecond of it"
    assert audio[48_000:48_024].abs().max() < 0.5 * audio[48_100:48_500].abs().max()


@pytest.mark.parametrize("follow", ["tight", "loose"])
def test_nothing_is_heard_where_a_silent_line_ends(follow: str) -> None:
    curve = LoudnessCurve((CurvePoint(0.0, 0.0), CurvePoint(0.4, 0.0), CurvePoint(0.4, -np.inf)), follow=follow)
    timeline = Timeline.of(Cue.from_json({"prompt": "x", "duration_s": 0.5}), curve)
    inner = torch.from_numpy(timeline.settled(np.full((1, 60), -20.0), 0))
    audio = ride(noise(0.6), inner, timeline.asked(0, 60)).audio[0, 0]
    assert audio[:19_000].abs().max() > 0.1
    assert audio[round(0.402 * 48_000) : 24_000].abs().max() == 0 and audio[24_000:].abs().max() < 2e-5


@pytest.mark.parametrize("points", [(CurvePoint(0.0, 0.0),), (CurvePoint(0.0, None),), ()])
def test_no_sound_begins_in_the_tail_of_one_that_keeps_its_rhythm(points: tuple[CurvePoint, ...]) -> None:
    curve = LoudnessCurve(points, follow="loose") if points else None
    timeline = Timeline.of(Cue.from_json({"prompt": "x", "duration_s": 0.5}), curve)
    inner = np.full((2, 160), -70.0)
    inner[0, [20, 70]] = -20.0  # a hit in the span, and one in the tail
    inner[1, 40:] = -20.0 - np.arange(120) / 4  # a sound that rings on over the span's end
    whole = timeline.settled(inner, 0, timeline.level_at_end(inner, 0))
    assert whole[0, 20] == -20 and whole[0, 50:].max() <= -70
    assert whole[1, 49] > -24 and (np.diff(whole[1, 40:]) < 0.75).all() and whole[1, 49] - whole[1, 51] < 2
    assert whole[:, 159].max() < -70
    late = timeline.settled(inner[:, 100:], 100, timeline.level_at_end(inner, 0))
    assert timeline.level_at_end(inner[:, 100:], 100) is None and (late == whole[:, 100:]).all()


def test_a_line_leads_over_into_what_is_undrawn_without_a_bump() -> None:
    line = asked([(0.0, -20.0), (1.0, None)], 2.0)
    audio = ride(noise(2.0), flat(-40.0, 2.0), line).audio[0, 0].numpy()
    level = 20 * np.log10(np.sqrt(np.square(audio).reshape(-1, 96).mean(1)) + 1e-9)
    assert level[495:505].max() < level[300:490].max() + 1


def test_loose_line_is_the_running_maximum_and_the_rhythm_stays() -> None:
    seconds, step = 6.0, np.zeros(600, np.float32)
    step[::50] = 1.0
    inner = torch.from_numpy(-70 + 45 * np.convolve(step, 0.9 ** np.arange(40))[:600].astype(np.float32))[None]
    line = asked([(0.0, -6.0)], seconds, "loose")
    ridden = ride(noise(seconds), inner, line)
    peak = running_maximum(ridden.level_after)[0, 60:-60].numpy()
    assert np.abs(peak - (-26.0)).mean() < 1.5
    assert ridden.level_after.std() > 0.8 * ridden.level_before.std()


def test_undrawn_follows_the_sounds_own_level() -> None:
    line = asked([(0.0, None)], 2.0)
    assert np.isnan(line.level).all()
    level = ride(noise(2.0), flat(-33.0, 2.0), line).level_after[0]
    assert (level - (-33)).abs().mean() < 1.0


@pytest.mark.parametrize("frequency", [997.0, 11_999.0])
def test_true_peak_stays_under_the_ceiling(frequency: float) -> None:
    """11.999 kHz sampled at its zero crossings' neighbours peaks between the samples."""
    t = torch.arange(48_000) / 48_000
    audio = 1.4 * torch.sin(2 * np.pi * frequency * t + np.pi / 4)[None, None]
    gain, limited = limit_peaks(audio)
    from scipy.signal import resample_poly

    peak = np.abs(resample_poly((audio * gain[:, None])[0, 0].numpy(), 16, 1)).max()
    assert 20 * np.log10(peak) <= -1.0
    assert limited.max() > 3


def test_channels_are_ridden_together() -> None:
    """Two channels keep their balance: the level is their mean power."""
    texture = noise(2.0, channels=2)
    texture[:, 1] *= 0.5
    ridden = ride(texture, flat(-30.0, 2.0), asked([(0.0, -10.0)], 2.0))
    balance = ridden.audio[0, 0].pow(2).mean() / ridden.audio[0, 1].pow(2).mean()
    assert balance == pytest.approx(4.0, rel=0.1)
    assert abs(frame_level(ridden.audio)[0, 20:-20].mean() + 30) < 0.3
