"""Videos that the project writes itself."""

from pathlib import Path

from engine.evaluation.picture import TRACKED_SCENES
from engine.training.scenes import make_scene


def test_the_same_pictures_make_the_same_file(tmp_path: Path) -> None:
    scene = make_scene(TRACKED_SCENES[0], duration_s=5.0, held_out=True)
    files = {scene.write(tmp_path / f"{number}.mp4", sound=False).read_bytes() for number in range(6)}
    assert len(files) == 1
