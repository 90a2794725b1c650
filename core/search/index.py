"""The first-stage index: exact inner products of one query with every student vector, held by faiss.

Below about a million clips an exact scan needs no approximation (the figures are in the README's benchmark
table), so the index is a flat faiss one with float16 storage: the same precision as the feature files.
"""

from __future__ import annotations

import faiss
import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]
Int64Array = npt.NDArray[np.int64]


class FlatIndex:
    """Exact first stage on faiss' float16 scalar quantizer (inner product).

    faiss scans one query on one thread, so searches from several threads do not wait for each other.
    """

    def __init__(self, dim: int) -> None:
        self._index = faiss.IndexScalarQuantizer(
            dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )

    @property
    def rows(self) -> int:
        """How many vectors are indexed."""
        return int(self._index.ntotal)

    def add(self, vectors: npt.NDArray[np.float16]) -> None:
        """Append vectors (N, D) float16; they take the row numbers that follow."""
        if len(vectors):
            self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def top(self, query: Float32Array, k: int, allowed: Int64Array | None) -> tuple[Int64Array, Float32Array]:
        """The k best rows (int64) and scores (float32), best first; ties go to the smaller row number.

        `query` is (D,) float32. With `allowed` (M,) only those rows take part.
        """
        available = self.rows if allowed is None else len(allowed)
        k = min(k, available)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        parameters = None
        if allowed is not None:
            selector = faiss.IDSelectorBatch(np.ascontiguousarray(allowed, np.int64))
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]  # SWIG hides it
        scores, rows = self._index.search(query[None].astype(np.float32), k, params=parameters)
        scores, rows = scores[0], rows[0]
        order = np.lexsort((rows, -scores))
        return rows[order].astype(np.int64), scores[order].astype(np.float32)
