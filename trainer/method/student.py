"""Forward passes of training: what student and teacher make of a batch's views (paper §3.2 and §3.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.network.cosmos import CosmosModel
from trainer.method.losses import N_GLOBAL, StudentViews, TeacherViews

__all__ = ["Batch", "Method", "Student", "look_as_teacher"]

STEP = 8  # tokens


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
    ids: of (batch, length) each, the global captions first; all but the first without common padding.
    """

    keys: tuple[str, ...]
    views: tuple[Tensor, ...]
    ids: tuple[Tensor, ...]

    @classmethod
    def of(cls, keys: tuple[str, ...], views: tuple[Tensor, ...], ids: Tensor) -> "Batch":
        """ids: (batch, captions, length). Padding comes after the end token, and a causal tower doesn't see it there.

        Only cross-attention looks at padding, and only at the first caption's, which therefore stays whole.
        """
        captions = ids.unbind(1)
        rest = [*_without_padding(captions[1:N_GLOBAL]), *_without_padding(captions[N_GLOBAL:])]
        return cls(keys, views, (captions[0], *rest))

    def to(self, device: torch.device) -> "Batch":
        """The same on a device; from pinned memory it is copied while the host goes on."""
        views, ids = (tuple(x.to(device, non_blocking=True) for x in xs) for xs in (self.views, self.ids))
        return Batch(self.keys, views, ids)

    def pin_memory(self) -> "Batch":
        """The same in page-locked memory (needs CUDA)."""
        views, ids = (tuple(x.pin_memory() for x in xs) for xs in (self.views, self.ids))
        return Batch(self.keys, views, ids)

    def parts(self, n_parts: int) -> list["Batch"]:
        """At most so many, of equal size but for the last."""
        size = -(-len(self.keys) // n_parts)
        cuts = [slice(start, start + size) for start in range(0, len(self.keys), size)]
        return [
            Batch(self.keys[cut], tuple(view[cut] for view in self.views), tuple(row[cut] for row in self.ids))
            for cut in cuts
        ]


class Student(nn.Module):
    """The network with the forward of training: one call per batch, as DDP wants it."""

    def __init__(self, model: CosmosModel, method: Method) -> None:
        super().__init__()
        self.model = model
        self.method = method

    def forward(self, views: Sequence[Tensor], ids: Sequence[Tensor]) -> StudentViews:
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
            distill_scale=self.model.distill_logit_scale.exp() if self.method.distils else None,
        )


@torch.no_grad()
def look_as_teacher(teacher: CosmosModel, batch: Batch) -> TeacherViews:
    """The teacher's features of the global views; it never looks across."""
    images, _ = _in_groups(teacher.vision, batch.views[:N_GLOBAL])
    ids = [*_without_padding(batch.ids[:1]), *batch.ids[1:N_GLOBAL]]
    texts, _ = _in_groups(teacher.text, ids)
    return TeacherViews(_unit(images), _unit(texts))


def _see(model: CosmosModel, views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Un-normalised features of all views, and the first one's mapped patches."""
    features, patches = _in_groups(model.vision, views)
    return features, model.image_token_map(patches)


def _read(model: CosmosModel, ids: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Un-normalised features of all captions, and the first one's mapped words."""
    features, words = _in_groups(model.text, ids)
    return features, model.text_token_map(words)


def _in_groups(tower: nn.Module, views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Features (views, batch, dim) of all, and the first one's tokens; views of one size go through together."""
    features, tokens = [], []
    for _, group in groupby(views, key=lambda view: view.shape):
        together = torch.cat(list(group))  # (views · batch, …), view by view
        seen, its_tokens = tower(together)
        features.append(seen)
        tokens.append(its_tokens)
    batch = len(views[0])
    return torch.cat(features).reshape(len(views), batch, -1), tokens[0][:batch]


def _without_padding(captions: Sequence[Tensor]) -> list[Tensor]:
    """Cut to the longest of them, rounded up to steps of 8 so that there are few lengths."""
    if not captions:
        return []
    n_tokens = max(int(ids.argmax(dim=1).max()) + 1 for ids in captions)  # the end token is the largest id
    return [ids[:, : -(-n_tokens // STEP) * STEP] for ids in captions]


def _unit(features: Tensor) -> Tensor:
    return F.normalize(features.float(), dim=-1)
