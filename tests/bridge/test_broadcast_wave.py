"""Broadcast Wave files, read back by independent readers: wavinfo for what they say, libsndfile for what they sound."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wavinfo import WavInfoReader

from bridge import broadcast_wave
from bridge.broadcast_wave import (
    BroadcastWaveError,
    BroadcastWaveWriter,
    read_broadcast_wave,
    write_broadcast_wave,
)

RATE = 48000
STEP = 2.0**-23
ROOT = Path(__file__).parents[2]


def noise(seconds: float, channels: int = 1, rate: int = RATE, level: float = 0.1) -> np.ndarray:
    size = (round(seconds * rate), channels)
    return (np.random.default_rng(7).standard_normal(size) * level).astype(np.float32)


def everything(path: Path, audio: np.ndarray, **changes) -> Path:
    arguments = {
        "rate": RATE,
        "time_reference": 172_800_000,
        "description": "heavy door creaks, then slams",
        "note": "seed 7; model small-1; Tür knarrt <laut> & schlägt zu 🚪",
        "take": 3,
        "timecode_rate": "29.97DF",
        "scene": "12A",
        "cues": [(0, "creak"), (96_001, "slam: Tür")],
    }
    return write_broadcast_wave(path, audio, **(arguments | changes))


def test_wavinfo_reads_everything_back(tmp_path):
    path = everything(tmp_path / "door_take03_seed7.wav", noise(4.0))
    info = WavInfoReader(path, info_encoding="utf-8", bext_encoding="ascii")
    assert (info.fmt.sample_rate, info.fmt.channel_count, info.fmt.bits_per_sample) == (RATE, 1, 24)
    assert info.data.frame_count == 4 * RATE
    assert info.bext.description == "heavy door creaks, then slams"
    assert info.bext.originator == "Draw an Audio"
    assert info.bext.time_reference == 172_800_000
    assert info.bext.version == 2
    assert info.bext.coding_history == "A=PCM,F=48000,W=24,M=mono,T=Draw an Audio\r\n"
    assert len(info.bext.originator_ref) == 32
    assert info.cues.to_dict() == {
        1: {"frame": 0, "label": "creak"},
        2: {"frame": 96_001, "label": "slam: Tür"},
    }
    root = info.ixml.raw_xml
    assert [track.name for track in info.ixml.track_list] == ["Mono"]
    assert root.findtext("TAKE") == "3"
    assert root.findtext("SCENE") == "12A"
    assert root.findtext("NOTE") == "seed 7; model small-1; Tür knarrt <laut> & schlägt zu 🚪"
    assert root.findtext("SPEED/TIMECODE_RATE") == "30000/1001"
    assert root.findtext("SPEED/TIMECODE_FLAG") == "DF"
    assert root.findtext("SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO") == "172800000"
    assert root.findtext("SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI") == "0"
    assert root.findtext("TRACK_LIST/TRACK_COUNT") == "1"


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [44100, 48000, 96000, 192000])
def test_soundfile_hears_the_same_samples(tmp_path, channels, rate):
    audio = noise(0.1001, channels, rate)  # odd lengths included: a mono one needs the pad byte
    path = everything(tmp_path / "a.wav", audio, rate=rate)
    heard, heard_rate = soundfile.read(path, dtype="float64", always_2d=True)
    assert heard_rate == rate
    assert soundfile.info(path).subtype == "PCM_24"
    assert heard.shape == audio.shape
    assert np.abs(heard - audio).max() <= STEP / 2
    assert np.abs(read_broadcast_wave(path).audio - heard).max() <= STEP / 2


def test_blocks_of_any_size_give_the_same_file(tmp_path):
    audio = noise(1.3, 2)
    whole = everything(tmp_path / "whole.wav", audio)
    pieces = tmp_path / "pieces.wav"
    with BroadcastWaveWriter(pieces, rate=RATE, channels=2, time_reference=172_800_000) as writer:
        for block in np.split(audio, [0, 1, 500, 501, 30_000]):
            writer.write(block)
    assert writer.frames == len(audio)
    one, two = read_broadcast_wave(whole), read_broadcast_wave(pieces)
    assert np.array_equal(one.audio, two.audio)
    assert one.loudness == two.loudness


def test_rounding_and_clipping(tmp_path):
    audio = np.array([0.0, 0.49 * STEP, 0.51 * STEP, -0.51 * STEP, 1.0, -1.0, 3.0, -3.0], np.float32)
    path = everything(tmp_path / "a.wav", audio, cues=[])
    steps = soundfile.read(path, dtype="int32")[0] >> 8
    assert steps.tolist() == [0, 0, 1, -1, 2**23 - 1, -(2**23), 2**23 - 1, -(2**23)]


@pytest.mark.parametrize(("channels", "rate"), [(1, 48000), (2, 44100), (2, 96000)])
def test_loudness_matches_pyloudnorm(tmp_path, channels, rate):
    swell = np.linspace(0.02, 1.0, round(8.4 * rate))[:, None]
    audio = (noise(8.4, channels, rate, 0.2) * swell).astype(np.float32)
    path = everything(tmp_path / "a.wav", audio, rate=rate, cues=[])
    meter = pyloudnorm.Meter(rate, filter_class="DeMan")
    bext = WavInfoReader(path).bext
    assert bext.loudness_value == pytest.approx(meter.integrated_loudness(audio), abs=0.05)
    assert bext.max_momentary_loudness == pytest.approx(max(meter.blockwise_loudness), abs=0.05)
    # pyloudnorm appends silence and steps by 90 ms here, so it can only be near.
    assert bext.loudness_range == pytest.approx(meter.loudness_range(audio), abs=1.0)
    assert bext.max_momentary_loudness >= bext.max_shortterm_loudness >= bext.loudness_value


def test_true_peak_between_the_samples(tmp_path):
    # A quarter-rate sine sampled 45 degrees off its crests: the samples miss 3 dB.
    tone = 0.5 * np.sin(np.pi / 2 * np.arange(RATE) + np.pi / 4)
    fade = np.minimum(1, np.minimum(np.arange(RATE), np.arange(RATE)[::-1]) / 4800)
    bext = WavInfoReader(everything(tmp_path / "a.wav", tone * fade, cues=[])).bext
    assert bext.max_true_peak == pytest.approx(-6.02, abs=0.1)


def test_short_and_silent_takes_state_no_loudness(tmp_path):
    short = read_broadcast_wave(everything(tmp_path / "short.wav", noise(0.3))).loudness
    assert (short.integrated_lufs, short.momentary_lufs, short.short_term_lufs) == (None, None, None)
    assert short.true_peak_dbtp is not None
    medium = read_broadcast_wave(everything(tmp_path / "medium.wav", noise(1.0))).loudness
    assert medium.integrated_lufs is not None and medium.short_term_lufs is None and medium.range_lu is None
    silent = read_broadcast_wave(everything(tmp_path / "silent.wav", np.zeros(RATE * 4))).loudness
    assert set(vars(silent).values()) == {None}
    empty = read_broadcast_wave(everything(tmp_path / "empty.wav", np.zeros((0, 2)), cues=[]))
    assert empty.audio.shape == (0, 2)


def test_our_reader_reads_all_of_it(tmp_path):
    wave = read_broadcast_wave(everything(tmp_path / "a.wav", noise(4.0, 2)))
    assert wave.rate == RATE and wave.audio.shape == (4 * RATE, 2) and wave.audio.dtype == np.float32
    assert wave.time_reference == 172_800_000
    assert wave.cues == ((0, "creak"), (96_001, "slam: Tür"))
    assert wave.ixml["SPEED/TIMECODE_RATE"] == "30000/1001"
    assert wave.ixml["NOTE"].endswith("🚪")
    assert wave.coding_history.startswith("A=PCM")


def test_a_day_of_192k_passes_32_bits(tmp_path):
    start = 23 * 3600 * 192_000
    path = everything(tmp_path / "a.wav", noise(0.1), rate=192_000, time_reference=start)
    assert WavInfoReader(path).bext.time_reference == start
    ixml = read_broadcast_wave(path).ixml
    high = int(ixml["SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI"])
    assert (high << 32) + int(ixml["SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO"]) == start


def test_text_that_bext_cannot_hold(tmp_path):
    path = everything(tmp_path / "a.wav", noise(0.1), description="Tür " + "x" * 300 + "門", note="bad \x00\x07 note")
    info = WavInfoReader(path, bext_encoding="ascii")
    assert info.bext.description == ("Tur " + "x" * 300)[:256]
    assert read_broadcast_wave(path).ixml["NOTE"] == "bad �� note"


def test_cues_outside_the_file_are_left_out(tmp_path):
    path = everything(tmp_path / "a.wav", noise(1.0), cues=[(-1, "out"), (10, "in"), (RATE, "out"), (2**40, "out")])
    assert read_broadcast_wave(path).cues == ((10, "in"),)


def test_what_is_known_only_at_the_end_may_be_said_then(tmp_path):
    with BroadcastWaveWriter(tmp_path / "a.wav", rate=RATE, channels=1, time_reference=0, note="early") as writer:
        writer.write(noise(1.0))
        writer.description, writer.note, writer.cues = "rain", "model abc " * 99, ((24_000, "hit"),)
    info = WavInfoReader(tmp_path / "a.wav")
    assert info.bext.description == "rain"
    assert info.ixml.raw_xml.findtext("NOTE") == "model abc " * 99
    assert info.cues.to_dict() == {1: {"frame": 24_000, "label": "hit"}}


@pytest.mark.parametrize("rate", [RATE, 192_000])  # the coding history names the rate: one digit more
def test_rf64_beyond_the_threshold(tmp_path, monkeypatch, rate):
    monkeypatch.setattr(broadcast_wave, "RF64_THRESHOLD", 100_000)
    audio = noise(1.0001, 1)
    path = everything(tmp_path / "a.wav", audio, cues=[(5, "here")], rate=rate)
    assert path.read_bytes()[:4] == b"RF64"
    assert soundfile.info(path).format == "RF64"
    heard, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.abs(heard - audio).max() <= STEP
    info = WavInfoReader(path)
    assert info.bext.time_reference == 172_800_000
    assert info.data.frame_count == len(audio)
    assert info.cues.to_dict()[1]["frame"] == 5
    ours = read_broadcast_wave(path)
    assert np.array_equal(ours.audio, heard) and ours.cues == ((5, "here"),)


def test_below_the_threshold_it_stays_riff(tmp_path):
    assert everything(tmp_path / "a.wav", noise(0.1)).read_bytes()[:4] == b"RIFF"


@pytest.mark.long
def test_rf64_beyond_a_real_four_gibibytes(tmp_path):
    """Silence of 4.3 GB; only where the disk has room to spare."""
    if os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize < 12e9:
        pytest.skip("needs 12 GB of free disk")
    path = tmp_path / "long.wav"
    block = np.zeros((1 << 22, 2), np.float32)
    with BroadcastWaveWriter(path, rate=192_000, channels=2, time_reference=1) as writer:
        for _ in range(172):
            writer.write(block)
    assert path.stat().st_size > 2**32
    assert soundfile.info(path).frames == writer.frames
    assert WavInfoReader(path).data.frame_count == writer.frames


def test_nothing_is_ever_overwritten(tmp_path):
    path = tmp_path / "a.wav"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="never overwritten") as caught:
        everything(path, noise(0.1))
    assert "\n" not in str(caught.value)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.wav"]


def test_a_name_taken_while_writing_is_not_overwritten(tmp_path):
    path = tmp_path / "a.wav"
    writer = BroadcastWaveWriter(path, rate=RATE, channels=1, time_reference=0)
    writer.write(noise(0.1))
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="never overwritten"):
        writer.close()
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["a.wav"]


def test_it_works_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    path = everything(tmp_path / "a.wav", noise(0.1))
    assert len(read_broadcast_wave(path).audio) == RATE // 10
    assert os.listdir(tmp_path) == ["a.wav"]


def test_an_exception_leaves_nothing(tmp_path):
    with (
        pytest.raises(RuntimeError),
        BroadcastWaveWriter(tmp_path / "a.wav", rate=RATE, channels=1, time_reference=0) as writer,
    ):
        writer.write(noise(0.1))
        assert os.listdir(tmp_path) == ["a.wav.partial"]
        raise RuntimeError
    assert os.listdir(tmp_path) == []
    with pytest.raises(ValueError, match="aborted"):
        writer.close()


def test_abort_and_close_may_be_called_again(tmp_path):
    writer = BroadcastWaveWriter(tmp_path / "a.wav", rate=RATE, channels=1, time_reference=0)
    assert writer.close() == writer.close()
    writer.abort()
    assert os.listdir(tmp_path) == ["a.wav"]
    with pytest.raises(ValueError, match="closed"):
        writer.write(noise(0.1))


def test_what_a_killed_writer_left_is_taken_over_and_a_living_one_is_not(tmp_path):
    path = tmp_path / "a.wav"
    program = (
        "import numpy, time, pathlib, sys; from bridge.broadcast_wave import BroadcastWaveWriter\n"
        "w = BroadcastWaveWriter(pathlib.Path(sys.argv[1]), rate=48000, channels=1, time_reference=0)\n"
        "w.write(numpy.zeros(48000)); print('writing', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert other.stdout is not None
    try:
        assert other.stdout.readline().strip() == b"writing"
        with pytest.raises(BroadcastWaveError, match="another program is writing it"):
            everything(path, noise(0.1))
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    assert os.listdir(tmp_path) == ["a.wav.partial"]
    everything(path, noise(0.1))
    assert os.listdir(tmp_path) == ["a.wav"]
    assert len(read_broadcast_wave(path).audio) == RATE // 10


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a Unix facility")
def test_a_disk_that_refuses_gives_one_line_and_leaves_nothing(tmp_path):
    program = (
        "import json, numpy, pathlib, resource, sys; from bridge.broadcast_wave import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: write_broadcast_wave(pathlib.Path(sys.argv[1]), numpy.zeros(48000), rate=48000, time_reference=0)\n"
        "except BroadcastWaveError as error: print(json.dumps(str(error)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.wav")], capture_output=True, check=True, cwd=ROOT
    )
    message = json.loads(done.stdout)
    assert "could not write the take" in message and "make room" in message and "\n" not in message
    assert os.listdir(tmp_path) == []


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(BroadcastWaveError, match="No such file or directory"):
        everything(tmp_path / "no" / "a.wav", noise(0.1))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"time_reference": -1}, "midnight"),
        ({"rate": 0}, "rate"),
        ({"timecode_rate": "26"}, "frame rate"),
    ],
)
def test_arguments_that_cannot_be(tmp_path, changes, word):
    with pytest.raises(ValueError, match=word):
        everything(tmp_path / "a.wav", noise(0.1), **changes)
    assert os.listdir(tmp_path) == []


def test_audio_that_cannot_be(tmp_path):
    for audio in (np.array([0.0, np.nan]), np.zeros((4, 2, 2)), np.zeros((4, 3))):
        with pytest.raises(ValueError):
            everything(tmp_path / "a.wav", audio)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
def test_files_of_other_makers(tmp_path, subtype, container):
    audio = noise(0.05, 2)
    path = tmp_path / "other.wav"
    soundfile.write(path, audio, RATE, subtype, format=container)
    wave = read_broadcast_wave(path)
    assert np.abs(wave.audio - audio).max() <= 2.0**-15
    assert (wave.time_reference, wave.cues, wave.ixml) == (0, (), {})


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"OggS" * 9, b"RIFF\4\0\0\0WAVEfmt \xff\xff\xff\xff"]
)
def test_what_is_no_wave_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(BroadcastWaveError) as caught:
        read_broadcast_wave(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        read_broadcast_wave(tmp_path / "none.wav")


@pytest.fixture(scope="module")
def good_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    patch = pytest.MonkeyPatch()
    riff = everything(folder / "riff.wav", noise(0.01), cues=[(1, "a"), (2, "b")]).read_bytes()
    patch.setattr(broadcast_wave, "RF64_THRESHOLD", 0)
    rf64 = everything(folder / "rf64.wav", noise(0.01), cues=[(1, "a"), (2, "b")]).read_bytes()
    patch.undo()
    return riff, rf64


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 1),
    cut=st.integers(0, 6000),
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.binary(min_size=1, max_size=9)), max_size=6),
)
def test_damaged_files_never_surprise(tmp_path, good_files, which, cut, changes):
    data = bytearray(good_files[which])
    for at, new in changes:
        at %= len(data)
        data[at : at + len(new)] = new
    path = tmp_path / "damaged.wav"
    path.write_bytes(data[: len(data) - cut] if cut < len(data) else data)
    try:
        wave = read_broadcast_wave(path)
    except BroadcastWaveError as error:
        assert "\n" not in str(error)
    else:
        assert wave.audio.nbytes <= 4 * len(data)
