"""Forward passes of training: what student and teacher make of a batch's views (paper §3.2 and §3.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.network.cosmos import CosmosModel, Encoded
from trainer.method.losses import N_GLOBAL, StudentViews, TeacherViews

__all__ = ["Batch", "Method", "Student", "teacher_forward"]

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
        images, patches = _encode_in_groups(self.model.encode_images, views)
        texts, words = _encode_in_groups(self.model.encode_texts, ids)
        cross_attended_images, cross_attended_texts = images, texts
        if self.method.cross_attention:
            cross_attended_images = self.model.cross_attend_text(images.transpose(0, 1), words).transpose(0, 1)
            cross_attended_texts = self.model.cross_attend_image(texts.transpose(0, 1), patches).transpose(0, 1)
        return StudentViews(
            images=_unit(images),
            texts=_unit(texts),
            cross_attended_images=_unit(cross_attended_images) if self.method.image_distillation else None,
            cross_attended_texts=_unit(cross_attended_texts) if self.method.text_distillation else None,
            scale=self.model.logit_scale.exp(),
            distill_scale=self.model.distill_logit_scale.exp() if self.method.distils else None,
        )


@torch.no_grad()
def teacher_forward(teacher: CosmosModel, batch: Batch) -> TeacherViews:
    """The teacher's features of the global views; it never looks across."""
    images, _ = _encode_in_groups(teacher.encode_images, batch.views[:N_GLOBAL])
    ids = [*_without_padding(batch.ids[:1]), *batch.ids[1:N_GLOBAL]]
    texts, _ = _encode_in_groups(teacher.encode_texts, ids)
    return TeacherViews(_unit(images), _unit(texts))


def _encode_in_groups(encode: Callable[[Tensor], Encoded], views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Un-normalised features (views, batch, dim) of all views, and tokens (batch, n, width) of the first.

    Views of one size go through the tower together, in view-major order.
    """
    groups = [torch.cat(list(group)) for _, group in groupby(views, key=lambda view: view.shape)]
    encoded = [encode(group) for group in groups]
    batch = len(views[0])
    features = torch.cat([group.features for group in encoded]).reshape(len(views), batch, -1)
    return features, encoded[0].tokens[:batch]


def _without_padding(captions: Sequence[Tensor]) -> list[Tensor]:
    """Cut to the longest of them, rounded up to steps of 8 so that there are few lengths."""
    if not captions:
        return []
    n_tokens = max(int(ids.argmax(dim=1).max()) + 1 for ids in captions)  # the end token is the largest id
    return [ids[:, : -(-n_tokens // STEP) * STEP] for ids in captions]


def _unit(features: Tensor) -> Tensor:
    return F.normalize(features.float(), dim=-1)
