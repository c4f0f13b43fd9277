"""Views of a pair from cached features, in place of pixels and token ids."""

from random import Random

import torch
from torch import Tensor

from cosmos_search.model_config import MINI_POOLED
from cosmos_search.network.mini import MiniNetworkConfig
from trainer.config import TrainConfig
from trainer.data.batches import SampleViews
from trainer.data.errors import SampleError
from trainer.data.features import FeatureCache, SampleFeatures
from trainer.data.samples import Pair
from trainer.method.losses import N_GLOBAL_VIEWS
from trainer.method.student import Batch

__all__ = ["CachedViews"]


class CachedViews:
    """Draws cached views as `Views` makes new ones: the parts of the method that are off leave out the same views."""

    def __init__(self, config: TrainConfig, cache: FeatureCache) -> None:
        assert isinstance(config.network, MiniNetworkConfig), config.network
        self.config = config
        self._trains_blocks = config.network.train_blocks
        self._cache = cache

    def __call__(self, pair: Pair, epoch: int) -> SampleViews:
        """Raises SampleError for a sample without features."""
        features = self._cache.find(pair.key)
        if features is None:
            raise SampleError("it has no cached features")
        random = Random(f"{self.config.seed}|{epoch}|{pair.key}")
        return SampleViews(pair.key, self._draw_images(features, random), self._draw_captions(features, random))

    def _draw_images(self, features: SampleFeatures, random: Random) -> list[Tensor]:
        """The whole picture, then a global crop and local crops; without image crops the whole picture alone."""
        if not self.config.image_crops:
            return self._leave_out_maps([features.views[0]])
        first_local = 1 + self._cache.plan.n_global
        large = random.randrange(1, first_local)
        small = random.sample(range(first_local, len(features.views)), self.config.n_local_images)
        return self._leave_out_maps([features.views[i] for i in (0, large, *small)])

    def _leave_out_maps(self, views: list[Tensor]) -> list[Tensor]:
        """Without the maps that are not used: while no block is trained, only cross-attention uses one, the first."""
        if self._trains_blocks:
            return views
        pooled = [view[-MINI_POOLED:] for view in views]
        return [views[0], *pooled[1:]] if self.config.cross_attention else pooled

    def _draw_captions(self, features: SampleFeatures, random: Random) -> list[Tensor]:
        """Two joined captions, the first with its words, and single ones; without text crops one single caption.

        Each (1 + words, 384).
        """
        if not self.config.text_crops:
            return [random.choice(features.single)[None]]
        first, second = random.sample(range(len(features.joined)), N_GLOBAL_VIEWS)
        n_single = self.config.n_captions - N_GLOBAL_VIEWS
        single = random.choices(range(len(features.single)), k=n_single)
        with_words = torch.cat([features.joined[first][None], features.words[first].float()])
        return [with_words, features.joined[second][None], *(features.single[i][None] for i in single)]

    def collate(self, samples: list[SampleViews]) -> Batch:
        """The samples as tensors."""
        return Batch(
            keys=tuple(sample.key for sample in samples),
            views=tuple(torch.stack(view) for view in zip(*(sample.images for sample in samples), strict=True)),
            ids=tuple(torch.stack(text) for text in zip(*(sample.captions for sample in samples), strict=True)),
        )
