"""The command line as a user meets it: real processes, one clear line, the right exit code, nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mido
import pytest

from bridge import cli
from bridge.errors import UserError
from engine.errors import Cancelled, MissingModel

ROOT = Path(__file__).parents[2]
CUE: dict[str, Any] = {
    "version": 1,
    "prompt": "dog barking",
    "start": {"samples": 480000, "rate": 48000},
    "duration_s": 0.5,
    "loudness": {
        "points": [{"time_s": 0, "value": -20}, {"time_s": 0.4, "value": 0}, {"time_s": 0.5, "value": "-inf"}]
    },
    "seed": 7,
}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "bridge.cli", *map(str, words)]


def drawaudio(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    run = subprocess.run(
        command(*words),
        capture_output=True,
        text=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=600,
        **options,
    )
    assert "Traceback" not in run.stderr
    return run


def refused(run: subprocess.CompletedProcess[str], *words: str, code: int = 2) -> None:
    """The run failed with `code` and one line on stderr that holds all of `words`."""
    assert run.returncode == code, run.stderr
    lines = run.stderr.splitlines()
    assert len(lines) == 1, run.stderr
    for word in words:
        assert word in lines[0]
    assert run.stdout == ""


@pytest.fixture
def cue_file(tmp_path: Path) -> Path:
    path = tmp_path / "cue.json"
    path.write_text(json.dumps(CUE))
    return path


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------------------------- bad input, told before work

BAD_CUES = [
    ({"colour": 1}, ("colour", "unknown key")),
    ({"prompt": "  "}, ("prompt", "empty")),
    ({"duration_s": 0}, ("duration_s", "0.1")),
    ({"duration_s": 36000}, ("duration_s", "1800")),
    ({"loudness": {"points": []}}, ("loudness.points", "empty")),
    ({"loudness": {"points": [{"time_s": -1, "value": 0}]}}, ("loudness.points[0].time_s",)),
    ({"loudness": {"points": [{"time_s": 2, "value": 0}, {"time_s": 1, "value": 0}]}}, ("points[1]", "order")),
    ({"loudness": {"points": [{"time_s": i, "value": 0} for i in range(100_001)]}}, ("100001", "100000")),
    ({"video": {"path": "nowhere.mp4"}}, ("video.path", "nowhere.mp4")),
    ({"masks": [{"kind": "box", "box": [0.5, 0.5, 0.6, 0.1]}]}, ("masks[0].box", "outside the frame")),
    ({"masks": [{"kind": "paint", "path": "nowhere.png"}]}, ("masks[0].path", "nowhere.png")),
]


@pytest.mark.parametrize(("change", "words"), BAD_CUES, ids=[words[0] for _, words in BAD_CUES])
def test_a_bad_cue_is_refused_in_one_line(tmp_path: Path, change: dict[str, Any], words: tuple[str, ...]) -> None:
    path = tmp_path / "cue.json"
    path.write_text(json.dumps({**CUE, **change}))
    output = tmp_path / "takes"
    refused(drawaudio("render", path, "-o", output), "cue.json", *words)
    assert not output.exists()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a device")
def test_of_a_cue_file_without_an_end_only_so_much_is_read() -> None:
    refused(drawaudio("render", "/dev/zero"), "/dev/zero", "larger than")


def test_not_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cue.json"
    path.write_text(json.dumps({**CUE, "tail_s": float("nan")}))
    refused(drawaudio("render", path), "NaN")


def test_a_cue_file_that_is_not_there() -> None:
    refused(drawaudio("render", "nowhere.json"), "nowhere.json", "no such file")


def test_a_folder_instead_of_a_cue_file(tmp_path: Path) -> None:
    refused(drawaudio("render", tmp_path), str(tmp_path))


def test_a_video_that_is_none(cue_file: Path) -> None:
    cue_file.with_name("shot.mp4").write_text("this is no video")
    cue_file.write_text(json.dumps({**CUE, "video": {"path": "shot.mp4"}}))
    refused(drawaudio("render", cue_file), "shot.mp4")


@pytest.mark.parametrize(("option", "value"), [("--takes", "65"), ("--takes", "0"), ("--seed", "-1")])
def test_options_keep_the_limits_of_the_cue(cue_file: Path, option: str, value: str) -> None:
    refused(drawaudio("render", cue_file, option, value), option)


def test_a_file_where_the_folder_should_be(cue_file: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "takes"
    blocked.write_text("")
    refused(drawaudio("render", cue_file, "-o", blocked), str(blocked), "no folder")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(cue_file: Path, tmp_path: Path) -> None:
    locked = tmp_path / "takes"
    locked.mkdir(mode=0o555)
    refused(drawaudio("render", cue_file, "-o", locked), str(locked), "may not be written")


@pytest.mark.parametrize("words", [[], ["rende"], ["render"], ["render", "--what"], ["train"]])
def test_usage_errors_are_one_line(words: list[str]) -> None:
    refused(drawaudio(*words), "--help")


def test_an_unknown_training_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    refused(drawaudio("train", "everyting", "--data", tmp_path, "--work", tmp_path), "everyting", "codec", "denoiser")


def test_training_without_data(tmp_path: Path) -> None:
    refused(drawaudio("train", "codec", "--data", tmp_path / "nowhere"), "nowhere", "DRAWAUDIO_DATA")


def test_help_lists_every_command() -> None:
    run = drawaudio("--help")
    for name in cli.COMMANDS:
        assert name.replace("_", "-") in run.stdout


@pytest.mark.parametrize(
    "words",
    [["--help"], ["render", "--help"], ["inspect", "project.mid"], ["jobs"], ["takes"], ["send", "cue.json"]],
    ids=" ".join,
)
def test_what_makes_no_sound_does_not_load_torch(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "cue.json").write_text('{"version": 1, "prompt": "dog", "duration_s": 1.0}')
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "project.mid")
    code = "import sys; from bridge import cli; print(cli.main(sys.argv[1:]), 'torch' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    expected = 2 if words[0] in ("jobs", "takes", "send") else 0  # those ask a service, and none runs here
    assert run.stdout.splitlines()[-1] == f"{expected} False", run.stderr


# ------------------------------------------------------------------------------------------------------------- streams


def with_streams(redirected: str, *words: object) -> subprocess.CompletedProcess[str]:
    """The command run by a shell with its streams `redirected`; what still came on stderr is kept."""
    line = ["bash", "-c", f'set -o pipefail; "$@" {redirected}', "bash", *command(*words)]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(line, capture_output=True, text=True, cwd=ROOT, env=buffered, timeout=300)


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    path = tmp_path / "project.mid"
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(path)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("redirected", [">&-", "<&- >&-", "2>&-", "<&- >&- 2>&-", "| true"])
def test_a_stream_that_is_closed_is_no_failure(redirected: str, midi: Path) -> None:
    run = with_streams(redirected, "inspect", midi)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_listing_whose_reader_has_left_is_no_failure() -> None:
    run = with_streams("| true", "models")
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_an_output_that_takes_no_more_is_one_line(midi: Path) -> None:
    refused(with_streams("> /dev/full", "inspect", midi), "standard output", "no space left")
    assert "Traceback" not in with_streams("> /dev/full", "--help").stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
@pytest.mark.parametrize(("encoding", "printed"), [("utf-8", b"o\xff/"), ("ascii", b"o\\udcff/\\u72ac")])
def test_a_path_that_the_encoding_lacks_is_printed_all_the_same(
    tmp_path: Path, small_weights: Path, encoding: str, printed: bytes
) -> None:
    (tmp_path / "cue.json").write_text(json.dumps({**CUE, "prompt": "犬"}))
    run = subprocess.run(
        command("render", tmp_path / "cue.json", "-o", os.fsdecode(b"o\xff"), "--weights", small_weights),
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(printed)


# ---------------------------------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (UserError("a: is b; do c"), 2, "is b"),
        (FileNotFoundError(2, "No such file or directory", "x.json"), 2, "x.json: no such file"),
        (MissingModel("the weights are missing"), 3, "missing"),
        (Cancelled("the take was cancelled"), 130, "cancelled"),
        (KeyboardInterrupt(), 130, "cancelled"),
        (ZeroDivisionError("two\nlines"), 1, "two lines"),
    ],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, word: str
) -> None:
    from bridge.commands import models

    def run(args: object) -> int:
        raise error

    monkeypatch.setattr(models, "run", run)
    assert cli.main(["models"]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert word in lines[0]


# ---------------------------------------------------------------------------------------- with (small, random) weights


def test_missing_weights(cue_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "takes"
    refused(drawaudio("render", cue_file, "-o", output, "--weights", tmp_path / "nowhere"), "missing", code=3)
    assert not output.exists()


def test_tampered_weights(cue_file: Path, tmp_path: Path, small_weights: Path) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(small_weights, weights)
    victim = weights / "phrases.safetensors"
    damaged = bytearray(victim.read_bytes())
    damaged[-1] ^= 1
    victim.write_bytes(damaged)
    refused(drawaudio("render", cue_file, "--weights", weights), "phrases.safetensors", "damaged", code=3)


def test_renders_takes_with_plots_and_overwrites_nothing(cue_file: Path, tmp_path: Path, small_weights: Path) -> None:
    output = tmp_path / "a new" / "folder"
    words = ("render", cue_file, "-o", output, "--weights", small_weights, "--name", "dog", "--stereo")
    first = drawaudio(*words, "--takes", 2, "--plot")
    assert first.returncode == 0, first.stderr
    stems = ["dog_take01_seed7", "dog_take02_seed8"]
    assert written(output) == sorted(stem + suffix for stem in stems for suffix in (".json", ".png", ".wav"))
    assert first.stdout.split() and all(Path(line).is_file() for line in first.stdout.splitlines())
    assert (output / "dog_take01_seed7.png").read_bytes().startswith(b"\x89PNG")
    before = {path: path.read_bytes() for path in output.iterdir()}
    second = drawaudio(*words, "--seed", 7)
    assert second.stdout.splitlines() == [str(output / "dog_take03_seed7.wav")]
    assert {path: path.read_bytes() for path in before} == before
    sidecar = json.loads((output / "dog_take03_seed7.json").read_text())
    assert (sidecar["take"], sidecar["seed"], sidecar["channels"]) == (3, 7, 2)


def test_says_that_the_picture_does_not_shape_the_sound(cue_file: Path, tmp_path: Path, small_weights: Path) -> None:
    from bridge.demo import write_clip

    write_clip(tmp_path / "shot.mp4")
    masks = [{"kind": "text", "query": "dog"}]
    cue_file.write_text(json.dumps({**CUE, "video": {"path": "shot.mp4"}, "masks": masks}))
    run = drawaudio("render", cue_file, "-o", tmp_path / "takes", "--weights", small_weights)
    assert run.returncode == 0, run.stderr
    assert "the video and its masks do not shape the sound" in run.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs the file size limit of a Linux shell")
def test_a_full_disk(cue_file: Path, tmp_path: Path, small_weights: Path) -> None:
    output = tmp_path / "takes"
    # A limit on the size of files stands for the full disk: the write is refused in the midst of the take.
    limited = ["bash", "-c", 'ulimit -f 16; trap "" XFSZ; exec "$@"', "bash"]
    run = subprocess.run(
        [*limited, *command("render", cue_file, "-o", output, "--weights", small_weights)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
    )
    refused(run, str(output), "make room")
    assert not output.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process alone")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_mid_render(cue_file: Path, tmp_path: Path, small_weights: Path, how: signal.Signals) -> None:
    output = tmp_path / "takes"
    cue_file.write_text(json.dumps({**CUE, "duration_s": 1800}))
    words = command("render", cue_file, "-o", output, "--weights", small_weights)
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 240
        while not (output.exists() and any(output.glob("*.wav.partial"))):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(how)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert "cancelled" in stderr
    assert len(stderr.splitlines()) == 1
    assert stdout == ""
    assert not output.exists()
