"""The peers' networks are built as published and their steps fit them; nothing is computed (meta tensors)."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "peers.py"
spec = importlib.util.spec_from_file_location("peers", SCRIPT)
assert spec is not None and spec.loader is not None
peers = importlib.util.module_from_spec(spec)
sys.modules["peers"] = peers
spec.loader.exec_module(peers)


@pytest.mark.parametrize(
    ("name", "millions", "shape"),
    [("audioldm2", 346, (2, 8, 200, 16)), ("stable-audio-open", 1057, (2, 64, 1024))],
)
def test_a_peer_is_of_its_published_size_and_its_step_runs(name: str, millions: float, shape: tuple[int, ...]) -> None:
    peer = peers.PEERS[name]
    with torch.device("meta"), torch.inference_mode():
        network = peer.build().to(torch.bfloat16)
        (out,) = peer.step(network, torch.bfloat16)()
    assert out.shape == shape
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)


def test_the_table_compares_with_the_first_and_names_the_fastest_peer() -> None:
    own = peers.Result("own", 20, 8, 8.0, 0.8, 500.0)
    slow = peers.Result("slow", 200, 100, 8.0, 800.0, 5000.0)
    fast = peers.Result("fast", 200, 100, 40.0, 400.0, None)
    text = peers.table([own, slow, fast], "bf16")
    assert "| slow | 200 M | 100 | 100.000 | 1000 | 5000 MB | 10.0 |" in text
    assert "100 times as fast as the fastest peer here (fast)" in text
