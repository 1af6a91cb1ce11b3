from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from bridge.cue_request import read_cue, safe_path
from bridge.refused import Refused
from bridge.session import Announcement, Session, new_token, write_whole
from bridge.store import Store


def test_a_file_is_replaced_whole_under_readers_eyes(tmp_path: Path) -> None:
    path = tmp_path / "current.json"
    texts = [json.dumps({"n": n, "pad": "x" * 20_000}) for n in range(2)]
    write_whole(path, texts[0])
    done = threading.Event()

    def write() -> None:
        for n in range(200):
            write_whole(path, texts[n % 2])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        assert path.read_text() in texts
    thread.join()
    assert [p.name for p in tmp_path.iterdir()] == ["current.json"]


def test_the_announcement_is_removed_by_its_own_service_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAWAUDIO_HOME", str(tmp_path))
    first = Announcement(new_token(), "127.0.0.1", 1, 2, "/s", 3)
    second = Announcement(new_token(), "127.0.0.1", 4, 5, "/t", 6)
    first.write()
    second.write()
    first.remove()
    assert Announcement.find() == second
    assert second.session_id == "", "a service.json without the id is read, too"
    second.remove()
    with pytest.raises(Refused, match="drawaudio serve"):
        Announcement.find()
    (tmp_path / "service.json").write_text("{")
    with pytest.raises(Refused, match="cannot be read"):
        Announcement.find()


def test_a_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be used"):
        Session(tmp_path / "file").create()


def test_a_database_that_is_none_is_refused_and_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "session.sqlite"
    database.write_bytes(b"this is no database" * 100)
    with pytest.raises(Refused, match="cannot be opened"):
        Store(database, tmp_path)
    assert database.read_bytes() == b"this is no database" * 100


def test_a_session_may_be_moved(tmp_path: Path) -> None:
    from bridge.store import Made

    old = tmp_path / "old"
    (old / "takes").mkdir(parents=True)
    store = Store(old / "db", old)
    with store.transaction():
        job = store.add_job(store.add_cue("{}", "", "x"), "r", 1, 1, 0)
        store.add_take(job, Made(old / "takes" / "a.wav", old / "takes" / "a.json", 1, 0, 48000, 10, 1, ""))
    store.close()
    old.rename(tmp_path / "new")
    store = Store(tmp_path / "new" / "db", tmp_path / "new")
    (take,) = store.takes()
    assert take.path == tmp_path / "new" / "takes" / "a.wav"
    store.close()


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "db", tmp_path)

    def fail() -> None:
        with store.transaction():
            with store.transaction():
                store.add_cue("{}", "", "x")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.add_cue("{}", "", "y") == 1
    store.close()


CUE = {"prompt": "tone", "duration_s": 1.0}


def test_paths_resolve_under_the_roots(tmp_path: Path) -> None:
    session, more = tmp_path / "session", tmp_path / "more"
    for folder in (session, more):
        folder.mkdir()
        (folder / "shot.mp4").write_bytes(b"")
    roots = (session, more)
    cue = read_cue({**CUE, "video": {"path": "shot.mp4"}}, lambda name: {}, roots)
    assert cue.video is not None and cue.video.path == str(session / "shot.mp4")
    assert safe_path(str(more / "shot.mp4"), roots) == more / "shot.mp4"
    for bad in ("../more/../../x", str(tmp_path / "x"), "", ".", "shot.mp4\0", "../session2/shot.mp4"):
        with pytest.raises(Refused):
            safe_path(bad, roots)
    with pytest.raises(Refused, match="outside"):
        safe_path(str(more / "shot.mp4"), (session,))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets only some users make links")
def test_links_are_followed_before_they_are_judged(tmp_path: Path) -> None:
    session = tmp_path / "session"
    session.mkdir()
    (tmp_path / "outside.mp4").write_bytes(b"")
    (session / "link.mp4").symlink_to(tmp_path / "outside.mp4")
    (session / "loop").symlink_to(session / "loop")
    for name in ("link.mp4", "loop"):
        with pytest.raises(Refused):
            safe_path(name, (session,))


def test_a_lane_without_points_is_loose_unless_there_is_a_picture(tmp_path: Path) -> None:
    (tmp_path / "shot.mp4").write_bytes(b"")
    cue = read_cue({"duration_s": 1.0, "track": "Steps"}, lambda name: {}, (tmp_path,))
    assert cue.prompt == "Steps" and cue.loudness is not None and cue.loudness.follow == "loose"
    cue = read_cue({"duration_s": 1.0, "track": "Steps", "video": {"path": "shot.mp4"}}, lambda name: {}, (tmp_path,))
    assert cue.loudness is None


def test_curves_are_fetched_by_name_in_sources_too(tmp_path: Path) -> None:
    curve = {"points": [{"time_s": 0, "value": -3}]}
    obj = {"duration_s": 1.0, "sources": [{"prompt": "a", "loudness": {"curve": "x"}}, {"prompt": "b"}]}
    cue = read_cue(obj, {"x": curve}.__getitem__, (tmp_path,))
    first = cue.sources[0].loudness
    assert first is not None and first.points[0].value == -3
