"""Forward passes of training: what student and teacher make of a batch's views (paper §3.2 and §3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.model import CosmosModel
from trainer.losses import N_GLOBAL, StudentViews, TeacherViews

__all__ = ["Batch", "Method", "Student", "look_as_teacher"]


@dataclass(frozen=True, slots=True)
class Method:
    """Which parts of COSMOS are on; crops are the data's. All off is CLIP (the paper's Table 5).

    The targets across modalities belong to cross-attention, which asks for both distillations.
    """

    image_distillation: bool = True
    text_distillation: bool = True
    cross_attention: bool = True

    @property
    def distils(self) -> bool:
        """Whether there is anything for a teacher to say."""
        return self.image_distillation or self.text_distillation


@dataclass(frozen=True, slots=True)
class Batch:
    """The views of some samples.

    keys: (batch) names of the samples. views: of (batch, 3, side, side) each, normalised, the global ones first.
    ids: (batch, captions, length), the global ones first.
    """

    keys: tuple[str, ...]
    views: tuple[Tensor, ...]
    ids: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        views = tuple(view.to(device, non_blocking=True) for view in self.views)
        return Batch(self.keys, views, self.ids.to(device, non_blocking=True))

    def parts(self, n_parts: int) -> list["Batch"]:
        """At most so many, of equal size but for the last."""
        size = -(-len(self.keys) // n_parts)
        cuts = [slice(start, start + size) for start in range(0, len(self.keys), size)]
        return [Batch(self.keys[cut], tuple(view[cut] for view in self.views), self.ids[cut]) for cut in cuts]


class Student(nn.Module):
    """The network with the forward of training: one call per batch, as DDP wants it."""

    def __init__(self, model: CosmosModel, method: Method) -> None:
        super().__init__()
        self.model = model
        self.method = method

    def forward(self, views: Sequence[Tensor], ids: Tensor) -> StudentViews:
        """views, ids: as in Batch. All that looks across looks at the first global picture or caption."""
        images, patches = _see(self.model, views)  # (views, batch, dim), (batch, patches, dim)
        texts, words = _read(self.model, ids)  # (captions, batch, dim), (batch, length, dim)
        asked_images, asked_texts = images, texts
        if self.method.cross_attention:
            asked_images = self.model.ask_text(images.transpose(0, 1), words).transpose(0, 1)
            asked_texts = self.model.ask_image(texts.transpose(0, 1), patches).transpose(0, 1)
        return StudentViews(
            images=_unit(images),
            texts=_unit(texts),
            asked_images=_unit(asked_images) if self.method.image_distillation else None,
            asked_texts=_unit(asked_texts) if self.method.text_distillation else None,
            scale=self.model.logit_scale.exp(),
            distill_scale=self.model.distill_logit_scale.exp(),
        )


@torch.no_grad()
def look_as_teacher(teacher: CosmosModel, batch: Batch) -> TeacherViews:
    """The teacher's features of the global views; it never looks across."""
    views = batch.views[:N_GLOBAL]
    images, _ = teacher.vision(torch.cat(views))
    ids = batch.ids[:, :N_GLOBAL].transpose(0, 1)  # (2, batch, length)
    texts, _ = teacher.text(ids.flatten(0, 1))
    return TeacherViews(*(_unit(x.reshape(-1, len(batch.keys), x.shape[-1])) for x in (images, texts)))


def _see(model: CosmosModel, views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Un-normalised features of all views, and the first one's mapped patches; views of one size go together."""
    features, first_patches = [], None
    for _, group in groupby(views, key=lambda view: view.shape):
        pixels = torch.cat(list(group))  # (views · batch, 3, side, side), view by view
        seen, patches = model.vision(pixels)
        features.append(seen)
        first_patches = patches if first_patches is None else first_patches
    assert first_patches is not None, "a batch without views"
    batch = len(views[0])
    together = torch.cat(features)
    return together.reshape(len(views), batch, -1), model.image_token_map(first_patches[:batch])


def _read(model: CosmosModel, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Un-normalised features of all captions, and the first one's mapped words."""
    batch, n_captions, _ = ids.shape
    features, words = model.text(ids.transpose(0, 1).flatten(0, 1))  # caption by caption
    return features.reshape(n_captions, batch, -1), model.text_token_map(words[:batch])


def _unit(features: Tensor) -> Tensor:
    return F.normalize(features.float(), dim=-1)
