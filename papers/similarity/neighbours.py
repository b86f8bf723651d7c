"""The nearest papers of each paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST = 8
LEAST_SCORE = 0.05  # below it two papers share a word or two
_CHUNK = 512  # rows at once: 512 x 10,000 cosines are 20 MB


def nearest(vectors: NDArray[np.float32], most: int = MOST) -> list[list[tuple[int, float]]]:
    """For each row, (other row, cosine) of its nearest, the nearest first; equals in the order of rows.

    Rows have unit length, so that cosines are products. Memory grows with the rows, time with their square.
    """
    import numpy as np

    count = len(vectors)
    kept = min(most, count - 1)
    if kept < 1:
        return [[] for _ in range(count)]
    found: list[list[tuple[int, float]]] = []
    for start in range(0, count, _CHUNK):
        scores = vectors[start : start + _CHUNK] @ vectors.T
        rows = np.arange(len(scores))
        scores[rows, rows + start] = -2  # a paper is not its own neighbour
        scores = np.round(scores, 4)
        best = np.argpartition(-scores, kept - 1, axis=1)[:, :kept]
        for row, others in zip(scores, best, strict=True):
            order = sorted(others.tolist(), key=lambda other: (-row[other], other))
            found.append([(other, float(row[other])) for other in order if row[other] >= LEAST_SCORE])
    return found
