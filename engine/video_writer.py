"""Pictures to an MP4 file, with sound if wanted: previews, training scenes, test clips."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer

_TICKS = 90_000
"""Ticks per second of presentation times: the usual clock of video files, exact for every usual rate."""


def write_video(
    path: Path | str,
    pictures: Iterable[tuple[Fraction | float, np.ndarray]],
    *,
    audio: np.ndarray | None = None,
    rate: int = 48_000,
) -> Path:
    """Write (time in seconds, (height, width, 3) uint8 RGB) pictures in order; any spacing of times will do.

    audio: (samples,) or (samples, channels) float, written beside the picture as AAC. Odd sizes lose their
    last row or column, as the codec demands. Returns the path.
    """
    path = Path(path)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.pix_fmt = "yuv420p"
        # With its macroblock tree x264 writes the same pictures as one of several files.
        video.options = {"preset": "veryfast", "crf": "18", "x264-params": "mbtree=0"}
        write_sound = _sound_writer(container, audio, rate) if audio is not None else None
        video.time_base = video.codec_context.time_base = Fraction(1, _TICKS)
        lengths: dict[int, int] = {}
        opened = False

        def mux(packets: list[Any]) -> None:
            # Encoders forget how long a frame is shown, and the last one's length is the file's.
            for packet in packets:
                packet.duration = lengths.pop(packet.pts, 0)
                container.mux(packet)

        for time_s, length_s, image in _with_lengths(pictures):
            height, width = image.shape[0] // 2 * 2, image.shape[1] // 2 * 2
            if not opened:
                video.width, video.height, opened = width, height, True
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, _TICKS), round(time_s * _TICKS)
            lengths[round(time_s * _TICKS)] = round(length_s * _TICKS)
            mux(video.encode(frame))
        if opened:
            mux(video.encode(None))
        if write_sound is not None:
            write_sound()
    return path


def _sound_writer(container: OutputContainer, audio: np.ndarray, rate: int) -> Any:
    """Declare the sound stream now, as a container wants all streams before the first packet; write it when called."""
    channels = np.atleast_2d(np.asarray(audio, np.float32).T)
    layout = {1: "mono", 2: "stereo"}[len(channels)]
    stream = container.add_stream("aac", rate=rate)
    stream.layout = layout

    def write() -> None:
        whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels), "fltp", layout)
        whole.sample_rate, whole.pts, whole.time_base = rate, 0, Fraction(1, rate)
        cutter = av.AudioResampler("fltp", layout, rate, frame_size=1024)
        for block in [*cutter.resample(whole), *cutter.resample(None), None]:
            container.mux(stream.encode(block))

    return write


def _with_lengths(
    pictures: Iterable[tuple[Fraction | float, np.ndarray]],
) -> Iterator[tuple[Fraction, Fraction, np.ndarray]]:
    """Each picture with how long it is shown: until the next one, the last as long as the one before."""
    held: tuple[Fraction, np.ndarray] | None = None
    length_s = Fraction(1, 25)
    for time_s, image in pictures:
        if held is not None:
            length_s = Fraction(time_s) - held[0]
            yield held[0], length_s, held[1]
        held = Fraction(time_s), image
    if held is not None:
        yield held[0], length_s, held[1]
