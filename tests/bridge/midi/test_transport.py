"""Following a transport through everything that hosts send."""

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.mmc import mmc_locate, mmc_message
from bridge.midi.mtc import MTC_RATES, MTC_RATES_PULLED_DOWN, full_frame
from bridge.midi.transport import TransportFollower
from bridge.timecode import FRAME_RATES, Timecode
from tests.bridge.midi.player import clock, in_order, mtc, rewind

HOUR = 3600.0
AN_HOUR = Timecode.parse("01:00:00:00", FRAME_RATES["25"])


def follow(*streams, **arguments) -> TransportFollower:
    follower = TransportFollower(**arguments)
    for time_s, message in in_order(*streams):
        follower.feed(message, time_s)
    return follower


@pytest.mark.parametrize("code", range(4))
def test_mtc_at_every_rate(code):
    start = Timecode.parse("10:00:00:00", MTC_RATES[code])
    follower = follow(mtc(start, 3.0, at_s=100.0))
    where = follower.whereabouts(102.5)
    assert where.running and where.source == "mtc"
    assert where.position_s == pytest.approx(float(start.seconds) + 2.5, abs=1e-6)


def test_pulled_down_hosts():
    start = Timecode.parse("10:00:00:00", FRAME_RATES["23.976"])
    follower = follow(mtc(start, 3.0), rates=MTC_RATES_PULLED_DOWN)
    assert follower.whereabouts(3.0).position_s == pytest.approx(36_036 + 3.0, abs=1e-6)


def test_it_stands_when_quarter_frames_cease():
    follower = follow(mtc(AN_HOUR, 2.0))
    assert follower.whereabouts(2.1).running
    where = follower.whereabouts(5.0)
    assert not where.running and where.position_s == pytest.approx(HOUR + 2.0, abs=0.05)


def test_nothing_is_known_before_anything_is_sent():
    assert TransportFollower().whereabouts(0.0) is None


def test_a_full_frame_locates():
    follower = follow(mtc(AN_HOUR, 2.0), [(2.5, full_frame(AN_HOUR + 250))])
    where = follower.whereabouts(2.6)
    assert not where.running and where.position_s == HOUR + 10


def test_a_locate_while_playing_begins_a_new_run():
    follower = follow(mtc(AN_HOUR, 2.0), mtc(AN_HOUR + 2500, 2.0, at_s=2.0), keep=None)
    assert follower.whereabouts(4.0).position_s == pytest.approx(HOUR + 102, abs=1e-6)
    assert len(follower.runs) == 2
    assert follower.run_at(1.99).position(1.0) == pytest.approx(HOUR + 1)
    assert follower.run_at(2.01).position(3.0) == pytest.approx(HOUR + 101)


def test_lost_messages_do_not_break_a_run():
    stream = [event for index, event in enumerate(mtc(AN_HOUR, 4.0)) if index % 50]
    follower = follow(stream, keep=None)
    assert len(follower.runs) == 1
    times = np.linspace(0, 4, 100)
    assert np.abs(follower.runs[0].positions(times) - (HOUR + times)).max() < 1e-6


def test_a_pause_does_not_count():
    follower = follow(mtc(AN_HOUR, 2.0), mtc(AN_HOUR + 50, 2.0, at_s=10.0))
    assert follower.whereabouts(12.0).position_s == pytest.approx(HOUR + 4, abs=1e-6)
    assert follower.run_at(5.0) is None


def test_rewinding_is_followed_but_is_no_run_to_capture():
    follower = follow(rewind(AN_HOUR, 2.0))
    assert follower.whereabouts(1.5).position_s == pytest.approx(HOUR - 1.5, abs=0.02)
    assert follower.run_at(1.5) is None


@pytest.mark.parametrize("speed", [0.5, 0.999, 1.001, 2.0])
def test_varispeed(speed):
    run = follow(mtc(AN_HOUR, 4.0, speed=speed), keep=None).runs[0]
    times = np.linspace(0.5, 3.0, 50)
    assert np.abs(run.positions(times) - (HOUR + times * speed)).max() < 0.003


@pytest.mark.parametrize("block_s", [256 / 48000, 1024 / 48000])
@pytest.mark.parametrize("same_port", [True, False])
def test_block_jitter_is_averaged_out(block_s, same_port):
    """Every message arrives with the end of its block, in order within a port, anyhow between ports."""

    def arrival(moment: float) -> float:
        return np.ceil(moment / block_s) * block_s + 1e-7 * moment

    run = follow([(arrival(t), m) for t, m in mtc(AN_HOUR, 10.0)], keep=None).runs[0]
    moves = np.random.default_rng(2).uniform(0.1, 9.9, 500)
    arrived = np.array([arrival(t) for t in moves]) + (0 if same_port else 1e-5)
    error = np.abs(run.positions(arrived) - (HOUR + moves))
    assert np.percentile(error, 95) <= block_s + 0.002
    assert error.max() <= block_s + 0.01
    if same_port:
        assert error.max() <= 0.01  # never further than from one quarter frame to the next


def test_a_stall_is_bridged_by_the_order_of_arrival():
    """For 0.6 s nothing is handed over, then everything at once: the clock is wrong, the order is not."""
    events = list(mtc(AN_HOUR, 10.0))
    stalled = [(max(t, 5.6) + 1e-6 * t if t > 5.0 else t, m) for t, m in events]
    run = follow(stalled, keep=None).runs[0]
    wanted = np.arange(5.005, 5.6, 0.01)  # between two quarter frames each
    assert np.abs(run.positions(5.6 + 1e-6 * wanted) - (HOUR + wanted)).max() <= 0.005 + 1e-6


def test_mmc():
    follower = TransportFollower()
    follower.feed(mmc_message("play"), 0.0)
    assert follower.whereabouts(1.0) is None  # it plays, but nobody said where
    follower.feed(mmc_locate(AN_HOUR), 2.0)
    assert follower.whereabouts(2.5).position_s == HOUR
    assert not follower.whereabouts(2.5).running
    follower.feed(mmc_message("play"), 3.0)
    assert follower.whereabouts(63.0).position_s == HOUR + 60 and follower.whereabouts(63.0).running
    follower.feed(mmc_locate(AN_HOUR + 25), 64.0)
    assert follower.whereabouts(66.0).position_s == HOUR + 3
    follower.feed(mmc_message("stop"), 67.0)
    assert follower.whereabouts(90.0).position_s == HOUR + 4 and not follower.whereabouts(90.0).running
    follower.feed(mmc_message("play"), 100.0)
    assert follower.whereabouts(101.0).position_s == HOUR + 5


def test_mtc_wins_over_mmc_and_clock():
    follower = follow(
        [(0.0, mmc_locate(AN_HOUR)), (0.0, mmc_message("play")), (0.0, mido.Message("start"))],
        mtc(AN_HOUR + 25, 2.0),
        clock(2.0, 120),
    )
    assert follower.whereabouts(2.0).source == "mtc"
    assert follower.run_at(2.0).source == "mtc"


def test_song_position_and_clock():
    position = mido.Message("songpos", pos=64)  # 16 quarters: 8 s at 120
    follower = follow([(0.0, position), (0.9, mido.Message("continue"))], clock(4.0, 120, at_s=1.0))
    assert follower.whereabouts(4.0).position_s == pytest.approx(8 + 3, abs=1e-6)
    follower.feed(mido.Message("stop"), 5.0)
    follower.feed(mido.Message("clock"), 5.02)
    assert not follower.whereabouts(5.1).running


def test_start_begins_at_zero_and_clocks_alone_mean_nothing():
    assert follow(clock(2.0, 120)).whereabouts(1.0) is None
    follower = follow([(0.0, mido.Message("songpos", pos=9)), (0.1, mido.Message("start"))], clock(2.0, 97, at_s=0.2))
    assert follower.whereabouts(1.2).position_s == pytest.approx(1.0, abs=1e-6)


def test_memory_is_bounded():
    follower = follow(mtc(AN_HOUR, 120.0))
    assert len(follower.runs) == 1 and len(follower.runs[0].anchors) <= 64


messages = st.one_of(
    st.builds(mido.Message, st.just("quarter_frame"), frame_type=st.integers(0, 7), frame_value=st.integers(0, 15)),
    st.builds(mido.Message, st.sampled_from(["start", "stop", "continue", "clock"])),
    st.builds(mido.Message, st.just("songpos"), pos=st.integers(0, 16383)),
    st.builds(lambda d: mido.Message("sysex", data=[0x7F, 0x7F, *d]), st.lists(st.integers(0, 127), max_size=9)),
)


@given(st.lists(st.tuples(messages, st.floats(0, 1)), max_size=80))
def test_noise_never_surprises(stream):
    follower = TransportFollower()
    now = 0.0
    for message, pause in stream:
        now += pause
        follower.feed(message, now)
        where = follower.whereabouts(now)
        assert where is None or np.isfinite(where.position_s)
        follower.run_at(now)
