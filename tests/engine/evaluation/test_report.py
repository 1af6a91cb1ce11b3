"""The orders and the table."""

import json
from collections import Counter
from pathlib import Path

import numpy as np

from engine.evaluation.curves import TestCurve, hand_drawn_curves, loose_curves
from engine.evaluation.evaluate import accuracy, by_class
from engine.evaluation.following import tight
from engine.evaluation.report import Figure, markdown, write
from engine.evaluation.speed import Speed, speed_cue, speed_rows
from engine.evaluation.takes import orders, render, shaped_noise
from engine.training.classes import CLASSES


def test_orders_use_every_curve_and_none_for_its_own_class() -> None:
    names = list(CLASSES)
    drawn = hand_drawn_curves()
    measured = [TestCurve(f"m{i}", drawn[0].curve, names[i % len(names)]) for i in range(64)]
    found = orders(measured + drawn, 8)
    assert Counter(order.name for order in found) == dict.fromkeys(names, 8)
    assert all(order.curve.source != order.name for order in found)
    assert {order.curve.name for order in found} == {curve.name for curve in measured + drawn}
    assert len({order.seed for order in found}) == len(found)
    prompts = {order.prompt for order in found if order.name == "voice"}
    assert len(prompts) == 8
    assert prompts <= set(CLASSES["voice"].phrases)


def test_the_noise_baseline_follows_its_curve() -> None:
    order = orders(hand_drawn_curves(), 1)[4]
    found = tight(shaped_noise(order), order.curve.curve)
    assert found.errors_db.mean() < 0.6


def test_render_asks_for_each_order_once_and_keeps_raw_and_final_apart() -> None:
    class Echo:
        def render_raw_and_final(self, cue, seeds):  # type: ignore[no-untyped-def]
            return np.full((1, 8), seeds[0]), np.full((1, 8), -seeds[0])

    told: list[tuple[int, int]] = []
    wanted = orders(loose_curves(), 1)
    answers = render(Echo(), wanted, lambda *count: told.append(count))
    assert [answer.raw[0] for answer in answers] == [order.seed for order in wanted]
    assert [answer.final[0] for answer in answers] == [-order.seed for order in wanted]
    assert told[-1] == (len(wanted), len(wanted))
    assert answers[0].order.cue.tail_s == 0


def test_accuracy_counts_classes_alike() -> None:
    shares = by_class(["dog"] * 9 + ["rain"], ["dog"] * 9 + ["dog"])
    assert shares == {"dog": 1.0, "rain": 0.0}
    assert accuracy(shares) == 0.5


def test_the_table_says_what_is_met(tmp_path: Path) -> None:
    figures = [
        Figure("r", {"raw": 0.951, "final": 0.97}, limits={"raw": (">=", 0.95), "final": (">=", 0.98)}),
        Figure("error", {"final": 0.5}, "dB", {"final": ("<=", 0.8)}),
        Figure("seeds", {"final": True}, limits={"final": ("==", True)}),
        Figure("tonality", {"real": 31.24, "codec": 205.0}, "dB"),
    ]
    assert [figure.met for figure in figures] == [False, True, True, None]
    text = markdown(figures, ["a note"])
    assert "| r | raw ≥ 0.950, final ≥ 0.980 | 0.951 | 0.970 |  |  |  | **no** |" in text
    assert "| error [dB] | ≤ 0.800 |  | 0.500 |  |  |  | yes |" in text
    assert "| tonality [dB] |  |  |  | 31.2 | 205 |  |  |" in text
    assert text.rstrip().endswith("- a note")
    path = write(tmp_path / "new", figures, [], {"takes": []})
    assert path.read_text(encoding="utf-8").startswith("| what | target |")
    rows = json.loads(path.with_suffix(".json").read_text())["figures"]
    assert rows[0]["met"] is False and rows[2]["values"]["final"] is True


def test_speed_rows_compare_the_cost_per_second_and_leave_out_unknown_memory() -> None:
    rows = speed_rows(Speed(0.8, None, 600.0, 63.0, None), 4.0, None)
    assert [row.met for row in rows] == [True, True, True]
    assert rows[2].values["final"] == np.float64(63.0 / 600 / 0.1)
    rows = speed_rows(Speed(0.8, 900.0, 600.0, 90.0, 1100.0), 7.0, 1000.0)
    assert [row.met for row in rows] == [True, False, False, True, False]


def test_the_speed_cue_is_as_long_as_asked_and_has_no_tail() -> None:
    cue = speed_cue(8.0, seed=3)
    assert (cue.span.samples, cue.tail_s, cue.seed) == (384_000, 0.0, 3)
