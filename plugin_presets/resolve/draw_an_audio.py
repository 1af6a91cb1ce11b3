"""Draw an Audio for DaVinci Resolve: Workspace > Scripts > Edit > draw_an_audio.

Makes a take for the timeline marker with a length under the playhead: its name is the prompt, in the marker grammar;
its note may hold more. Resolve gives scripts no automation: the curve comes from the picture, or is loose at 0 dB.
"""

import os
import sys
import time

# Whichever of them Resolve sets when it runs a script from its menu, it is this file's name.
sys.path.extend(
    os.path.dirname(os.path.abspath(name))
    for name in (*sys.argv[:1], globals().get("__file__"), (lambda: None).__code__.co_filename)
    if name
)
import drawaudio_spool as spool

HOST = "resolve"
TRACK = "Foley"
WAIT_S = 1800
POLL_S = 0.1


def frame_rate(text):
    """(numerator, denominator) of Resolve's `timelineFrameRate`, such as "23.976", "25.0" or "29.97 DF"."""
    shown = float(str(text).split()[0])
    whole = round(shown)
    # A rate that is not whole is a thousandth slower than the next one.
    return (whole, 1) if abs(shown - whole) < 0.005 else (whole * 1000, 1001)


def frames_of(label, rate):
    """Frames since midnight of a timecode; ";" is drop-frame."""
    numbers = [int(part) for part in label.replace(";", ":").split(":")]
    nominal = round(float(rate[0]) / rate[1])
    hours, minutes, seconds, frames = numbers
    total = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames
    if ";" in label:
        dropped = nominal // 15
        passed = hours * 60 + minutes
        total -= dropped * (passed - passed // 10)
    return total


def marker_at(timeline, frame):
    """The shortest timeline marker with a length that holds a frame (counted from the timeline's start)."""
    found = None
    for start, marker in timeline.GetMarkers().items():
        start, length = round(start), round(marker["duration"])
        if length > 1 and start <= frame < start + length and (found is None or length < found[1]):
            found = (start, length, marker)
    return found


def plain_markers(timeline, start, length, seconds):
    """Markers of one frame inside a span: what they say about the picture, from their moment on."""
    return [
        {"time_s": seconds(round(at) - start), "text": marker["name"]}
        for at, marker in sorted(timeline.GetMarkers().items())
        if round(marker["duration"]) <= 1 and start <= round(at) < start + length
    ]


def video_at(timeline, frame, seconds):
    """The picture under a frame of the timeline (counted as Resolve counts items): its file, and its time there."""
    for track in range(timeline.GetTrackCount("video"), 0, -1):
        for item in timeline.GetItemListInTrack("video", track) or []:
            if item.GetStart() <= frame < item.GetEnd():
                media = item.GetMediaPoolItem()
                path = media.GetClipProperty("File Path") if media else ""
                if path:
                    return {"path": path, "offset_s": seconds(frame - item.GetStart() + item.GetLeftOffset())}
    return None


def take_track(timeline):
    """The index of the audio track named for takes; made where there is none."""
    for index in range(1, timeline.GetTrackCount("audio") + 1):
        if timeline.GetTrackName("audio", index) == TRACK:
            return index
    if not timeline.AddTrack("audio", "mono"):
        raise spool.DrawAudioError("Resolve made no audio track: unlock the timeline's tracks.")
    index = timeline.GetTrackCount("audio")
    timeline.SetTrackName("audio", index, TRACK)
    return index


def place(project, timeline, take, frame, length):
    """Put a take on the take track, beginning with a frame of the timeline."""
    pool = project.GetMediaPool()
    items = pool.ImportMedia([take["path"]])
    if not items:
        raise spool.DrawAudioError("Resolve could not import {}.".format(take["path"]))
    current = project.GetCurrentTimeline()
    if not current or current.GetUniqueId() != timeline.GetUniqueId():
        # Resolve appends to the timeline that is open, whichever that is by now.
        raise spool.DrawAudioError("Another timeline is open: {} is in the media pool.".format(take["path"]))
    clip = {
        "mediaPoolItem": items[0],
        "startFrame": 0,
        "endFrame": length - 1,
        "mediaType": 2,
        "trackIndex": take_track(timeline),
        "recordFrame": frame,
    }
    if not pool.AppendToTimeline([clip]):
        raise spool.DrawAudioError("Resolve did not put the take on the timeline; it is in the media pool.")


def generate(resolve, wait=time.sleep, tell=print):
    """A take for the marker under the playhead. Raises DrawAudioError."""
    project = resolve.GetProjectManager().GetCurrentProject()
    timeline = project.GetCurrentTimeline() if project else None
    if not timeline:
        raise spool.DrawAudioError("Open a timeline first.")
    rate = frame_rate(timeline.GetSetting("timelineFrameRate"))

    def seconds(frames):
        return float(frames) * rate[1] / rate[0]

    sample_rate = int(float(timeline.GetSetting("timelineSampleRate") or 48000))
    first = timeline.GetStartFrame()
    at = frames_of(timeline.GetCurrentTimecode(), rate) - first
    found = marker_at(timeline, at)
    if found is None:
        raise spool.DrawAudioError("Put the playhead on a timeline marker that has a length and a name.")
    start, length, marker = found
    # Whole samples nearest to the frame: Resolve places clips on frames only.
    begins = ((first + start) * rate[1] * sample_rate * 2 + rate[0]) // (2 * rate[0])
    text = " ".join(part for part in (marker["name"], marker.get("note", "")) if part)
    body = spool.cue(
        text,
        TRACK,
        begins,
        sample_rate,
        seconds(length),
        markers=plain_markers(timeline, start, length, seconds),
        video=video_at(timeline, first + start, seconds),
    )
    request = spool.Request(HOST, body)
    for _ in range(int(WAIT_S / POLL_S)):
        for take in request.poll():
            frames = max(1, -(-int(take["samples"]) * rate[0] // (int(take["rate"]) * rate[1])))
            try:
                place(project, timeline, take, first + start, frames)
            except spool.DrawAudioError as error:  # the next take may be luckier
                tell(str(error))
                continue
            tell("{} is on the track {}".format(os.path.basename(take["path"]), TRACK))
        if not request.open:
            return
        wait(POLL_S)
    request.cancel()
    raise spool.DrawAudioError("The take took longer than half an hour; it was cancelled.")


def main():
    # Resolve gives scripts it runs itself the global `resolve`.
    host = globals().get("resolve")
    if host is None:
        print("Run this from DaVinci Resolve: Workspace > Scripts > Edit.")
        return
    try:
        generate(host)
    except spool.DrawAudioError as error:
        print(f"Draw an Audio: {error}")


if __name__ == "__main__":
    main()
