"""Fréchet audio distance in the embedding of our own classifier (Kilgour et al. 2019, arXiv 1812.08466)."""

import numpy as np


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Squared distance of two Gaussians fitted to embeddings (N, D) and (M, D)."""
    mean = a.mean(0) - b.mean(0)
    first, second = np.cov(a.T), np.cov(b.T)
    # The trace of the root of a product of covariances is that of a symmetric matrix, whose root is exact.
    root = _root(first)
    cross = np.linalg.eigvalsh(root @ second @ root)
    trace = np.trace(first) + np.trace(second) - 2 * np.sqrt(np.maximum(cross, 0)).sum()
    return float(mean @ mean + max(trace, 0.0))


def _root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)
