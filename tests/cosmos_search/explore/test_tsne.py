import numpy as np

from cosmos_search.explore.map_layout import fit_layout, sample_evenly
from cosmos_search.explore.tsne import _compute_gradient, embed_rows


def gradient_by_hand(p, y):
    n = len(y)
    kernel = [[0 if i == j else 1 / (1 + ((y[i] - y[j]) ** 2).sum()) for j in range(n)] for i in range(n)]
    total = sum(map(sum, kernel))
    pull = [[(p[i][j] - kernel[i][j] / total) * kernel[i][j] for j in range(n)] for i in range(n)]
    return np.array([4 * sum(pull[i][j] * (y[i] - y[j]) for j in range(n)) for i in range(n)])


def test_the_gradient_is_that_of_the_formula():
    rng = np.random.default_rng(0)
    p = rng.random((9, 9))
    np.fill_diagonal(p, 0)
    p = (p + p.T) / (p + p.T).sum()
    y = rng.standard_normal((9, 2))
    assert np.allclose(
        _compute_gradient(p.astype(np.float32), y.astype(np.float32), 1.0), gradient_by_hand(p, y), atol=1e-5
    )


def make_themed_rows(n, n_themes, seed=0):
    """Unit rows (n, 64) around themes, and the theme of each."""
    rng = np.random.default_rng(seed)
    themes = np.random.default_rng(9).standard_normal((n_themes, 64))
    which = rng.integers(0, n_themes, n)
    rows = themes[which] + 0.5 * rng.standard_normal((n, 64))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), which


def measure_neighbours_of_the_same_theme(positions, which):
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1:6]
    return (which[nearest] == which[:, None]).mean()


def test_rows_of_a_theme_are_neighbours():
    rows, which = make_themed_rows(300, 12)
    y = embed_rows(rows, rows[:, :2], 30.0)
    assert measure_neighbours_of_the_same_theme(y, which) > 0.95


def test_pictures_beyond_the_landmarks_lie_among_their_like():
    rows, which = make_themed_rows(2500, 20)
    layout = fit_layout(rows)
    positions, _ = layout.place(rows)
    assert len(layout.landmarks) == 1200
    assert measure_neighbours_of_the_same_theme(positions, which) > 0.9
    later, of_later = make_themed_rows(200, 20, seed=1)
    placed, _ = layout.place(later)
    nearest = np.linalg.norm(placed[:, None] - positions, axis=2).argmin(axis=1)
    assert (which[nearest] == of_later).mean() > 0.9


def test_landmarks_stay_where_they_are():
    rows, _ = make_themed_rows(400, 8)
    layout = fit_layout(rows)
    assert np.allclose(layout.place(rows)[0], layout.positions, atol=0.02)


def test_a_sample_is_even_and_stable():
    ids = np.arange(1, 10_001)
    few = sample_evenly(ids, 500)
    assert np.diff(few).max() <= 50
    assert np.isin(sample_evenly(ids[:9000], 500), sample_evenly(ids, 1000)).all()
