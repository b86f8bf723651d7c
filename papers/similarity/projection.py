"""From vectors to places on a plane: t-SNE, started so that the map of yesterday can be recognised in today's.

t-SNE (van der Maaten and Hinton 2008) keeps neighbours together; begun at the first two principal components it keeps
the large outline, too (Kobak and Berens 2019). Where most papers have a place already, it begins there, without the
exaggeration that would tear the map apart first, and the result is turned to lie on the old map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

_PERPLEXITY = 30
_COMPONENTS = 50
_NEAR = 5  # neighbours that say where a new paper begins
_EXAGGERATION = 12.0


def project(vectors: NDArray[np.float32], previous: Points | None = None) -> Points:
    """Places (n x 2) of vectors of unit length; `previous` holds the old places, NaN where there is none.

    The same input gives the same places: on one thread, since sums of several threads differ in their last digits and
    t-SNE amplifies that. 10,000 papers take a minute or two.
    """
    import numpy as np
    from sklearn.decomposition import PCA

    count = len(vectors)
    if count < 4:
        return np.array([[float(i), 0.0] for i in range(count)]).reshape(count, 2)
    # Papers with the same text get vectors a hair apart: no distance may be zero.
    noise = np.random.default_rng(0).normal(scale=1e-5, size=vectors.shape)
    data = vectors.astype(np.float64) + noise
    data = PCA(min(_COMPONENTS, *data.shape), random_state=0).fit_transform(data)
    if previous is None:
        return _layout(data)
    known = np.isfinite(previous[:, 0]) & np.isfinite(previous[:, 1])
    if known.sum() < max(4, count / 2):
        return _layout(data)
    begin = _begin(data, previous, known)
    return _laid_on(_layout(data, begin), previous, known)


def _layout(data: Points, begin: Points | None = None) -> Points:
    import numpy as np
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    count = len(data)
    if begin is None:
        first = np.zeros((count, 2))
        first[:, : min(2, data.shape[1])] = data[:, :2]
        begin = first / (first[:, 0].std() or 1) * 1e-4
    fresh = float(begin.std()) < 1e-3
    with threadpool_limits(1):
        model = TSNE(
            init=begin.astype(np.float32),
            perplexity=min(_PERPLEXITY, (count - 1) / 3),
            learning_rate=max(count / _EXAGGERATION / 4, 50),
            early_exaggeration=_EXAGGERATION if fresh else 1.0,
            max_iter=1000 if fresh else 250,
            random_state=0,
        )
        return np.asarray(model.fit_transform(data), np.float64)


def _begin(data: Points, previous: Points, known: NDArray[np.bool_]) -> Points:
    """Old places; a new paper begins amid its nearest neighbours that have one."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    begin = previous.copy()
    if not known.all():
        near = min(_NEAR, int(known.sum()))
        _, found = NearestNeighbors(n_neighbors=near).fit(data[known]).kneighbors(data[~known])
        begin[~known] = previous[known][found].mean(axis=1)
        spread = previous[known].std() * 1e-3
        begin[~known] += np.random.default_rng(0).normal(scale=spread, size=begin[~known].shape)
    return begin - begin.mean(axis=0)


def _laid_on(places: Points, previous: Points, known: NDArray[np.bool_]) -> Points:
    """Turned, mirrored and moved (not stretched) to lie as closely on the old places as it can: Procrustes' problem."""
    import numpy as np

    middle, old_middle = places[known].mean(axis=0), previous[known].mean(axis=0)
    left, _, right = np.linalg.svd((places[known] - middle).T @ (previous[known] - old_middle))
    return np.asarray((places - middle) @ (left @ right) + old_middle)
