"""Follows a box through a clip, forwards and backwards, by sparse optical flow checked against its looks.

Flow says how the points in the box moved (Kalal et al., "Forward-backward error", ICPR 2010: what does not
come back to where it started is not believed). A template of the object then corrects the slow drift that
flow alone has, and tells when the object is gone.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from engine.video import Clip

_POINTS = 80
_RETURN_PX = 1.0
"""A point tracked forth and back may miss its start by this much."""
_FEWEST_POINTS = 6
_LIKE = 0.55
"""Correlation with the template from which on a match may pull the box."""
_GONE = 0.25
"""Below this, in colour, what is in the box is not the object."""
_FOUND_AGAIN = 0.7
_GIVE_UP_FRAMES = 6
_TEMPLATE_SIDE = 48
_REFRESH = 0.08
"""How much of each good frame goes into the running template."""


@dataclass(frozen=True, eq=False)
class BoxTrack:
    """boxes: (frames, 4) left, top, width, height in fractions, held where lost; lost: (frames,) bool."""

    boxes: np.ndarray
    lost: np.ndarray


def track_box(clip: Clip, box: tuple[float, float, float, float], at_frame: int, first: int = 0) -> BoxTrack:
    """Follow ``box`` (fractions of the frame, as drawn at ``at_frame``) over frames ``first`` to the end."""
    boxes, lost = np.full((len(clip), 4), np.nan), np.zeros(len(clip), bool)
    boxes[at_frame] = box
    height, width = clip.shape
    scale = np.array([width, height, width, height], float)
    for order in (range(at_frame + 1, len(clip)), range(at_frame - 1, first - 1, -1)):
        tracker = _Tracker(clip[at_frame], np.asarray(box) * scale)
        shown = clip.frame(at_frame).time_s
        for index in order:
            frame = clip.frame(index)
            if frame.time_s != shown:
                tracker.step(frame.image)
                shown = frame.time_s
            boxes[index], lost[index] = tracker.box / scale, tracker.lost
    return BoxTrack(boxes, lost)


class _Tracker:
    """One direction of time. box: left, top, width, height in pixels of the clip's pictures."""

    def __init__(self, image: np.ndarray, box: np.ndarray) -> None:
        self.box = box.astype(float)
        self.lost = False
        self._missing = 0
        self._image, self._grey = image, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        self._velocity = np.zeros(2)
        self._first_size = self.box[2:].copy()
        self._first = self._running = self._patch(image, self.box)

    def step(self, image: np.ndarray) -> None:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if self.lost:
            self._search(image)
        else:
            self._follow(image, grey)
        self._image, self._grey = image, grey

    def _follow(self, image: np.ndarray, grey: np.ndarray) -> None:
        flowed = self._flow(grey)
        predicted = self.box.copy()
        predicted[:2] += self._velocity
        guesses = [g for g in (flowed, predicted) if g is not None]
        likeness, best = max(
            ((found, box) for guess in guesses for found, box in [self._refine(image, guess)]), key=lambda pair: pair[0]
        )
        if likeness < _LIKE and flowed is not None:
            # Turned, squashed or blurred: flow knows better than a picture of how it looked before.
            best, likeness = flowed, self._likeness(image, flowed)
        moved = best[:2] + best[2:] / 2 - self.box[:2] - self.box[2:] / 2
        self._missing = self._missing + 1 if likeness < _GONE or self._outside(best, grey) else 0
        if self._missing == 0:
            self._velocity = 0.5 * self._velocity + 0.5 * moved
            self.box = best
            if likeness > _LIKE:
                self._running = (1 - _REFRESH) * self._running + _REFRESH * self._patch(image, best)
        elif self._missing >= _GIVE_UP_FRAMES or self._outside(best, grey):
            self.lost = True
        else:
            self.box = best

    def _flow(self, grey: np.ndarray) -> np.ndarray | None:
        """The box moved and scaled as most of what is in it; None where too little can be followed."""
        points = self._points()
        if len(points) < _FEWEST_POINTS:
            return None
        there, ok = _moved_points(self._grey, grey, points)
        back, ok_back = _moved_points(grey, self._grey, there)
        good = ok & ok_back & (np.abs(back - points).max(axis=(1, 2)) < _RETURN_PX)
        before, after = points[good, 0], there[good, 0]
        if len(before) < _FEWEST_POINTS:
            return None
        # The middle of the box is more surely the object than its corners, where background shows.
        centre = self.box[:2] + self.box[2:] / 2
        away = np.abs((before - centre) / (self.box[2:] / 2)).max(axis=1)
        weights = 1.2 - np.clip(away, 0, 1)
        shift = np.array([_weighted_median((after - before)[:, axis], weights) for axis in (0, 1)])
        scale = _scale(before, after)
        size = np.clip(self.box[2:] * scale, 0.25 * self._first_size, 4 * self._first_size)
        return np.concatenate([centre + shift - size / 2, size])

    def _points(self) -> np.ndarray:
        left, top, width, height = self.box
        mask = np.zeros_like(self._grey)
        centre = (round(left + width / 2), round(top + height / 2))
        cv2.ellipse(mask, centre, (max(1, round(width / 2)), max(1, round(height / 2))), 0, 0, 360, 255, -1)
        points = cv2.goodFeaturesToTrack(self._grey, _POINTS, 0.01, 2, mask=mask, blockSize=3)
        return np.zeros((0, 1, 2), np.float32) if points is None else points

    def _refine(self, image: np.ndarray, guess: np.ndarray) -> tuple[float, np.ndarray]:
        """Best place near ``guess`` by looks: (likeness in -1..1, box)."""
        reach = np.maximum(0.35 * guess[2:], 6)
        around = np.concatenate([guess[:2] - reach, guess[2:] + 2 * reach])
        size = np.maximum(8, np.round(self._template_size()).astype(int))
        ratio = size / guess[2:]
        window = _cut(image, around, np.round(around[2:] * ratio).astype(int))
        if (np.array(window.shape[1::-1]) < size).any():
            return -1.0, guess
        scores = 0.5 * _correlate(window, _fit(self._running, size)) + 0.5 * _correlate(window, _fit(self._first, size))
        centre = reach * ratio
        distance = np.hypot(np.arange(scores.shape[1]) - centre[0], (np.arange(scores.shape[0]) - centre[1])[:, None])
        y, x = np.unravel_index(int(np.argmax(scores - 0.1 * distance / max(1.0, float(centre.max())))), scores.shape)
        place = around[:2] + np.array([x, y]) / ratio
        return float(scores[y, x]), np.concatenate([place, guess[2:]])

    def _likeness(self, image: np.ndarray, box: np.ndarray) -> float:
        patch = self._patch(image, box)
        return float(max(_correlate(patch, self._running).max(), _correlate(patch, self._first).max()))

    def _search(self, image: np.ndarray) -> None:
        """Look for the lost object in the whole picture, at the size it had."""
        size = np.maximum(8, np.round(self._template_size()).astype(int))
        ratio = size / self.box[2:]
        height, width = image.shape[:2]
        small = cv2.resize(image, (max(1, round(width * ratio[0])), max(1, round(height * ratio[1]))))
        if (np.array(small.shape[1::-1]) < size).any():
            return
        scores = _correlate(small, _fit(self._running, size))
        y, x = np.unravel_index(int(np.argmax(scores)), scores.shape)
        if scores[y, x] > _FOUND_AGAIN:
            self.box[:2] = np.array([x, y]) / ratio
            self.lost, self._missing, self._velocity = False, 0, np.zeros(2)

    def _outside(self, box: np.ndarray, grey: np.ndarray) -> bool:
        """Whether less than a quarter of the box is still in the picture."""
        height, width = grey.shape
        seen = np.minimum(box[:2] + box[2:], [width, height]) - np.maximum(box[:2], 0)
        return bool((seen <= 0).any() or seen.prod() < 0.25 * box[2:].prod())

    def _patch(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        return _cut(image, box, np.maximum(8, np.round(self._template_size()).astype(int))).astype(np.float32)

    def _template_size(self) -> np.ndarray:
        return np.asarray(self._first_size * min(1.0, _TEMPLATE_SIDE / float(self._first_size.max())))


def _moved_points(one: np.ndarray, other: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pyramidal Lucas-Kanade: (points, 1, 2) -> where they are in ``other``, and which were found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(one, other, points, points.copy(), winSize=(15, 15), maxLevel=3)
    return np.asarray(there, np.float32), np.asarray(found).ravel() > 0


def _cut(image: np.ndarray, box: np.ndarray, size: np.ndarray) -> np.ndarray:
    """``box`` of ``image`` (pixels, may reach outside) resampled to ``size`` (width, height)."""
    width, height = (int(v) for v in size)
    scale_x, scale_y = box[2] / width, box[3] / height
    matrix = np.array(
        [[scale_x, 0, box[0] + 0.5 * scale_x - 0.5], [0, scale_y, box[1] + 0.5 * scale_y - 0.5]], np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _fit(patch: np.ndarray, size: np.ndarray) -> np.ndarray:
    return patch if tuple(patch.shape[1::-1]) == tuple(size) else cv2.resize(patch, tuple(int(v) for v in size))


def _correlate(window: np.ndarray, template: np.ndarray) -> np.ndarray:
    found = cv2.matchTemplate(window.astype(np.float32), template.astype(np.float32), cv2.TM_CCOEFF_NORMED)
    return np.nan_to_num(np.asarray(found), nan=0.0, posinf=0.0, neginf=0.0)


def _scale(before: np.ndarray, after: np.ndarray) -> float:
    """Median ratio of the distances between pairs of points."""
    pairs = np.random.default_rng(0).integers(0, len(before), (2, 200))
    old = np.linalg.norm(before[pairs[0]] - before[pairs[1]], axis=1)
    new = np.linalg.norm(after[pairs[0]] - after[pairs[1]], axis=1)
    far = old > 4
    return float(np.clip(np.median(new[far] / old[far]), 0.9, 1.1)) if far.sum() > 10 else 1.0


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
