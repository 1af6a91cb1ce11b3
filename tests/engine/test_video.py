"""Video in: presentation times, rates, orientation, spans, and one clear line for what cannot be used."""

import struct
import time
import tracemalloc
import warnings
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.video import Clip, VideoError, VideoWarning, open_clip, probe, read_frames
from engine.video_writer import write_video


def numbered(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A flat grey picture whose level tells its index (mod 20)."""
    return np.full((height, width, 3), 10 + index % 20 * 12, np.uint8)


def index_of(image: np.ndarray) -> int:
    return round((float(image.mean()) - 10) / 12)


def clip_file(path: Path, times: Iterable[Fraction], **size: int) -> Path:
    return write_video(path, ((t, numbered(i, **size)) for i, t in enumerate(times)))


@pytest.mark.parametrize(
    "fps", [Fraction(10), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60), Fraction(240)]
)
def test_grid_shows_what_is_on_screen_at_each_time(tmp_path: Path, fps: Fraction) -> None:
    clip = Clip(clip_file(tmp_path / "a.mp4", (i / fps for i in range(round(2 * fps)))), 0.0, 2.0)
    assert len(clip) == 50
    for i in range(50):
        shown = int((Fraction(i, 25) + Fraction(1, 10_000)) * fps)
        assert clip.frame(i).time_s == pytest.approx(shown / fps, abs=1e-4)
        assert index_of(clip[i]) == shown % 20


def test_variable_frame_rate_keeps_its_own_times(tmp_path: Path) -> None:
    times = [Fraction(t) for t in ("0", "0.1", "0.11", "0.5", "0.52", "1.3")]
    path = clip_file(tmp_path / "vfr.mp4", times)
    frames = list(read_frames(path))
    assert [f.time_s for f in frames] == [pytest.approx(t, abs=1e-4) for t in times]
    assert [index_of(f.image) for f in frames] == list(range(6))
    assert index_of(Clip(path)[20]) == 4


def test_offset_and_trim_read_only_the_span(tmp_path: Path) -> None:
    path = clip_file(tmp_path / "a.mp4", (Fraction(i, 30) for i in range(300)))
    frames = list(read_frames(path, 4.01, 0.1))
    assert [round(f.time_s * 30) for f in frames] == [120, 121, 122, 123]
    clip = Clip(path, 4.0, 1.0)
    assert [index_of(clip[i]) for i in range(len(clip))] == [int(120 + i * 1.2 + 1e-3) % 20 for i in range(25)]


def test_clip_can_be_read_backwards_and_again(tmp_path: Path) -> None:
    clip = Clip(clip_file(tmp_path / "a.mp4", (Fraction(i, 25) for i in range(260))))
    backwards = [index_of(clip[i]) for i in reversed(range(260))]
    assert backwards == [i % 20 for i in reversed(range(260))]


@pytest.mark.parametrize("size", [(63, 47), (1, 1), (2, 480)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "odd.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = size[0], size[1], "bgr0"
        for i in range(5):
            frame = av.VideoFrame.from_ndarray(numbered(i, *size), format="rgb24").reformat(format="bgr0")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    clip = Clip(path)
    assert clip[0].shape == (size[1], size[0], 3) if max(size) <= 320 else max(clip[0].shape) == 320
    assert index_of(clip[3]) == 3


def test_portrait_with_a_rotation_flag_stands_upright(tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :16] = 255
    path = write_video(tmp_path / "phone.mp4", [(Fraction(i, 25), picture) for i in range(5)])
    data = path.read_bytes()
    at = data.index(b"tkhd") + 4 + 40
    # A phone held upright: a quarter turn to the right brings the recorded left edge to the top.
    turn = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:at] + turn + data[at + 36 :])
    info = probe(path)
    assert (info.width, info.height) == (48, 64)
    shown = Clip(path)[2]
    assert shown.shape == (64, 48, 3)
    assert shown[:12].mean() > 200 > 60 > shown[24:].mean()


def test_long_film_costs_no_more_memory_than_a_clip(tmp_path: Path) -> None:
    path = clip_file(tmp_path / "film.mp4", (Fraction(i, 25) for i in range(1500)), width=320, height=180)
    clip = Clip(path)
    tracemalloc.start()
    for i in range(len(clip)):
        clip[i]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 210 * 2**20


def test_late_span_is_sought_not_decoded_through(tmp_path: Path) -> None:
    path = clip_file(tmp_path / "film.mp4", (Fraction(i, 25) for i in range(2000)))
    started = time.process_time()
    clip = Clip(path, 75.0, 1.0)
    late = time.process_time() - started
    assert index_of(clip[0]) == 75 * 25 % 20
    started = time.process_time()
    assert sum(1 for _ in read_frames(path)) == 2000
    assert late < 0.4 * (time.process_time() - started)


def test_open_clip_remembers_until_the_file_changes(tmp_path: Path) -> None:
    path = clip_file(tmp_path / "a.mp4", (Fraction(i, 25) for i in range(10)))
    assert open_clip(path) is open_clip(path)
    before = open_clip(path)
    clip_file(path, (Fraction(i, 25) for i in range(20)))
    assert len(open_clip(path)) == 20 and open_clip(path) is not before


def test_video_shorter_than_the_cue_warns_and_holds_its_last_picture(tmp_path: Path) -> None:
    path = clip_file(tmp_path / "a.mp4", (Fraction(i, 25) for i in range(25)))
    with pytest.warns(VideoWarning, match=r"ends 2\.00 s before the cue"):
        clip = Clip(path, 0.0, 3.0)
    assert (len(clip), clip.frames_shown) == (75, 25)
    assert index_of(clip[74]) == 24 % 20


def test_video_that_begins_after_the_cue_stands_on_its_first_picture(tmp_path: Path) -> None:
    path = clip_file(tmp_path / "a.mp4", (Fraction(i, 25) for i in range(25)))
    clip = Clip(path, -0.2, 1.0)
    assert [index_of(clip[i]) for i in range(8)] == [0, 0, 0, 0, 0, 0, 1, 2]


def test_one_frame_file(tmp_path: Path) -> None:
    clip = Clip(clip_file(tmp_path / "still.mp4", [Fraction(0)]))
    assert clip.frames_shown == 1 and index_of(clip[0]) == 0


def test_cover_pictures_are_no_video_and_audio_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert_one_line(path, "no video stream")


def test_file_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "empty.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    assert_one_line(path, "not one frame")


def test_absent_broken_and_truncated_files(tmp_path: Path) -> None:
    assert_one_line(tmp_path / "none.mp4", "no such video file")
    (tmp_path / "text.mp4").write_text("not a video at all")
    assert_one_line(tmp_path / "text.mp4", "truncated or not a video")
    whole = clip_file(tmp_path / "whole.mp4", (Fraction(i, 25) for i in range(200)))
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:3000])
    assert_one_line(tmp_path / "cut.mp4", "truncated or not a video")


def test_film_cut_off_in_the_middle_gives_what_is_there_and_says_so(tmp_path: Path) -> None:
    whole = clip_file(tmp_path / "whole.mkv", (Fraction(i, 25) for i in range(500)))
    (tmp_path / "cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.warns(VideoWarning, match="cut off"):
        frames = list(read_frames(tmp_path / "cut.mkv"))
    assert 50 < len(frames) < 450


@pytest.mark.parametrize(("offset", "word"), [(5.0, "beyond"), (-1.0, "before"), (float("nan"), "before")])
def test_offset_outside_the_picture(tmp_path: Path, offset: float, word: str) -> None:
    path = clip_file(tmp_path / "a.mp4", (Fraction(i, 25) for i in range(25)))
    with warnings.catch_warnings(), pytest.raises(VideoError, match=word):
        warnings.simplefilter("error")
        Clip(path, offset, 1.0)


def assert_one_line(path: Path, words: str) -> None:
    with pytest.raises(VideoError, match=words) as caught:
        Clip(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)
