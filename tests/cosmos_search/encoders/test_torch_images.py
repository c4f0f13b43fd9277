"""The image tower in torch, with a toy network. On a GPU, benchmarks.gpu compares it with the CPU."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    from benchmarks.gpu_parts.networks import save_cosmos
    from cosmos_search.encoders.torch_images import TorchImages

    folder = tmp_path_factory.mktemp("toy")
    save_cosmos(folder, is_toy=True)
    return TorchImages(folder, "cpu", "fp32")


def test_batches_of_several_threads_are_not_mixed_up(images):
    images.batch_size = 4
    pixels = np.random.default_rng(0).integers(0, 256, (6, 10, 64, 64, 3), dtype=np.uint8)
    alone = [images.encode(one) for one in pixels]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(images.encode, pixels))
    assert [vectors.shape for vectors in together] == [(10, 64)] * 6
    for one, other in zip(together, alone, strict=True):
        assert np.allclose(one, other, atol=1e-6)
    assert not np.allclose(alone[0], alone[1], atol=1e-3)
