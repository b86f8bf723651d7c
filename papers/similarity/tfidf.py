"""Vectors without a model: TF-IDF of words and pairs of words, reduced by singular value decomposition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 256
_MOST_TERMS = 60_000
# A word of a single paper makes it like no other; in a small programme it still tells how different two papers are.
_SMALL = 100


def tfidf_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """One row of unit length for each text (zeros where no word is known), the same ones each time.

    Latent semantic analysis (Deerwester et al. 1990): sublinear term frequencies, English stop words left out.
    A vector depends on all texts, so that a changed text means computing all of them again.
    """
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2),
        sublinear_tf=True,
        stop_words="english",
        strip_accents="unicode",
        min_df=1 if len(texts) < _SMALL else 2,
        max_df=1.0 if len(texts) < _SMALL else 0.5,
        max_features=_MOST_TERMS,
        dtype=np.float32,
    )
    try:
        terms = vectorizer.fit_transform(texts)
    except ValueError:  # no words at all
        return np.zeros((len(texts), 1), np.float32)
    dimensions = min(DIMENSIONS, min(terms.shape) - 1)
    if dimensions < 1:
        return np.ones((len(texts), 1), np.float32)
    vectors = TruncatedSVD(dimensions, random_state=0).fit_transform(terms).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-6)
