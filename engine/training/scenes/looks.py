"""What objects and backgrounds look like: families of shapes and textures, some held out for evaluation."""

import cv2
import numpy as np

Rng = np.random.Generator

SHAPES = ("disc", "box", "bar", "triangle", "blob", "hexagon", "star", "ring")
HELD_OUT_SHAPES = ("hexagon", "ring")
BACKGROUNDS = ("noise", "gradient", "stripes", "blotches", "checker", "bricks")
HELD_OUT_BACKGROUNDS = ("bricks", "blotches")
SPRITE = 64
"""Edge of an object's picture in pixels, before it is scaled into a frame."""


def sprite(rng: Rng, shape: str) -> np.ndarray:
    """(SPRITE, SPRITE, 4) float32 RGBA in 0..1: a textured shape, opaque where it is."""
    alpha = np.zeros((SPRITE, SPRITE), np.uint8)
    cv2.fillPoly(alpha, [np.round(_outline(rng, shape) * SPRITE * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    if shape == "ring":
        cv2.circle(alpha, (SPRITE // 2, SPRITE // 2), SPRITE // 5, 0, -1, cv2.LINE_AA)
    colour, other = rng.uniform(0, 1, 3), rng.uniform(0, 1, 3)
    pattern = texture(rng, SPRITE, SPRITE, rng.choice(["noise", "stripes", "checker", "gradient"]))[..., :1]
    strength = rng.uniform(0.3, 1)
    rgb = colour * (1 - strength * pattern) + other * strength * pattern
    return np.concatenate([rgb, alpha[..., None] / 255], axis=2).astype(np.float32)


def texture(rng: Rng, height: int, width: int, family: str) -> np.ndarray:
    """(height, width, 3) float32 in 0..1 of a family of backgrounds."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    colours = rng.uniform(0.05, 0.95, (2, 3))
    angle, scale = rng.uniform(0, np.pi), rng.uniform(8, 40)
    along = x * np.cos(angle) + y * np.sin(angle)
    if family == "gradient":
        share = (along - along.min()) / max(1e-6, float(np.ptp(along)))
    elif family == "stripes":
        share = 0.5 + 0.5 * np.sin(2 * np.pi * along / scale)
    elif family == "checker":
        share = ((x // scale + y // scale) % 2).astype(np.float32)
    elif family == "bricks":
        row = y // (scale / 2)
        seam = (np.mod(x + row % 2 * scale / 2, scale) < 2) | (np.mod(y, scale / 2) < 2)
        share = np.where(seam, 0.0, 0.5 + 0.5 * _noise(rng, height, width, 2))
    elif family == "blotches":
        share = (_noise(rng, height, width, 12) > 0.5).astype(np.float32)
    else:
        share = sum(_noise(rng, height, width, step) / n for n, step in enumerate((16, 8, 4, 2), 1)) / 2.083
    mixed = colours[0] * share[..., None] + colours[1] * (1 - share[..., None])
    return np.clip(mixed + 0.08 * (_noise(rng, height, width, 2)[..., None] - 0.5), 0, 1).astype(np.float32)


def _outline(rng: Rng, shape: str) -> np.ndarray:
    """Corners of a shape in the unit square."""
    corners = {"box": 4, "triangle": 3, "hexagon": 6}.get(shape, 40)
    turn = rng.uniform(0, 2 * np.pi) if shape == "triangle" else np.pi / 4 if shape == "box" else 0.0
    angles = np.arange(corners) / corners * 2 * np.pi + turn
    radius = np.full(corners, 0.46)
    if shape == "blob":
        radius = 0.34 + 0.1 * np.sin(3 * angles + rng.uniform(0, 6)) * rng.uniform(0.3, 1)
    elif shape == "star":
        radius = np.where(np.arange(corners) % 8 < 4, 0.46, 0.26)
    points = radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    if shape == "bar":
        points = np.array([[-0.46, -0.12], [0.46, -0.12], [0.46, 0.12], [-0.46, 0.12]])
    return np.asarray(points + 0.5)


def _noise(rng: Rng, height: int, width: int, step: int) -> np.ndarray:
    coarse = rng.uniform(0, 1, (max(2, height // step + 2), max(2, width // step + 2))).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)).clip(0, 1)
