"""Forward passes of student and teacher over the views of a batch (paper §3.2 and §3.3)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.network.cosmos import Encoded
from trainer.method.losses import N_GLOBAL_VIEWS, StudentViews, TeacherViews
from trainer.method.network import Network

__all__ = ["Batch", "Method", "Student", "teacher_forward"]

LENGTH_STEP = 8  # tokens


@dataclass(frozen=True, slots=True)
class Method:
    """Which parts of COSMOS are on, apart from crops, which concern the data. CLIP if all are off (paper, Table 5).

    cross_attention includes the distillation targets of the other modality, and needs both distillations.
    """

    image_distillation: bool = True
    text_distillation: bool = True
    cross_attention: bool = True

    @property
    def has_distillation(self) -> bool:
        """Whether a teacher is needed."""
        return self.image_distillation or self.text_distillation


@dataclass(frozen=True, slots=True)
class Batch:
    """The views of some samples as tensors.

    keys: names of the samples. views: images, normalized, of (batch, 3, side, side) each, the global ones first.
    ids: tokens of captions, of (batch, length) each, the global ones first; all but the first one are trimmed to the
    longest caption.
    """

    keys: tuple[str, ...]
    views: tuple[Tensor, ...]
    ids: tuple[Tensor, ...]

    @classmethod
    def collate(cls, keys: tuple[str, ...], views: tuple[Tensor, ...], ids: Tensor) -> "Batch":
        """A batch with trimmed padding. ids: (batch, captions, length).

        Padding follows the end token, so it does not change the features of a causal text tower. Cross-attention
        attends to it, but only in the first caption, which is therefore not trimmed.
        """
        captions = ids.unbind(1)
        rest = [*_trim_padding(captions[1:N_GLOBAL_VIEWS]), *_trim_padding(captions[N_GLOBAL_VIEWS:])]
        return cls(keys, views, (captions[0], *rest))

    def to(self, device: torch.device) -> "Batch":
        """A copy on a device; asynchronous if the batch is in pinned memory."""
        views, ids = (tuple(x.to(device, non_blocking=True) for x in xs) for xs in (self.views, self.ids))
        return Batch(self.keys, views, ids)

    def pin_memory(self) -> "Batch":
        """A copy in page-locked memory (needs CUDA)."""
        views, ids = (tuple(x.pin_memory() for x in xs) for xs in (self.views, self.ids))
        return Batch(self.keys, views, ids)

    def split(self, n: int) -> list["Batch"]:
        """At most n micro batches, of equal size but for the last."""
        size = -(-len(self.keys) // n)
        slices = [slice(start, start + size) for start in range(0, len(self.keys), size)]
        return [
            Batch(self.keys[rows], tuple(view[rows] for view in self.views), tuple(ids[rows] for ids in self.ids))
            for rows in slices
        ]


class Student(nn.Module):
    """The network with the forward pass of training, in one call per batch, as DDP requires."""

    def __init__(self, model: Network, method: Method) -> None:
        super().__init__()
        self.model = model
        self.method = method

    def forward(self, views: Sequence[Tensor], ids: Sequence[Tensor]) -> StudentViews:
        """views, ids: as in Batch. Cross-attention attends to the tokens of the first global image or caption."""
        images, patches, penalty = _encode_views(self.model.encode_images, views)
        texts, words, _ = _encode_views(self.model.encode_texts, ids)
        cross_attended_images, cross_attended_texts = images, texts
        if self.method.cross_attention:
            # CrossAttention takes (batch, views, dim)
            cross_attended_images = self.model.cross_attend_text(images.transpose(0, 1), words).transpose(0, 1)
            cross_attended_texts = self.model.cross_attend_image(texts.transpose(0, 1), patches).transpose(0, 1)
        return StudentViews(
            images=_normalize(images),
            texts=_normalize(texts),
            cross_attended_images=_normalize(cross_attended_images) if self.method.image_distillation else None,
            cross_attended_texts=_normalize(cross_attended_texts) if self.method.text_distillation else None,
            scale=self.model.logit_scale.exp(),
            distill_scale=self.model.distill_logit_scale.exp() if self.method.has_distillation else None,
            penalty=penalty,
        )


@torch.no_grad()
def teacher_forward(teacher: Network, batch: Batch) -> TeacherViews:
    """The teacher's features of the global views, without cross-attention."""
    images, _, _ = _encode_views(teacher.encode_images, batch.views[:N_GLOBAL_VIEWS])
    ids = [*_trim_padding(batch.ids[:1]), *batch.ids[1:N_GLOBAL_VIEWS]]
    texts, _, _ = _encode_views(teacher.encode_texts, ids)
    return TeacherViews(_normalize(images), _normalize(texts))


def _encode_views(encode: Callable[[Tensor], Encoded], views: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor | None]:
    """Features (views, batch, dim) of all views, not normalized; tokens (batch, n, width) of the first view; penalties.

    Consecutive views of one size go through the tower as one batch.
    """
    groups = [torch.cat(list(group)) for _, group in groupby(views, key=lambda view: view.shape)]  # (k · batch, ...)
    encoded = [encode(group) for group in groups]
    batch = len(views[0])
    features = torch.cat([group.features for group in encoded]).reshape(len(views), batch, -1)
    penalties = [group.penalty for group in encoded if group.penalty is not None]  # of (k · batch, 1) each
    penalty = torch.cat(penalties).reshape(len(views), batch, 1) if penalties else None
    return features, encoded[0].tokens[:batch], penalty


def _trim_padding(captions: Sequence[Tensor]) -> list[Tensor]:
    """Cut to the length of the longest, rounded up to a multiple of 8 to keep the number of different shapes small.

    Features of frozen text towers, which take the place of ids, are not cut.
    """
    if not captions or captions[0].is_floating_point():
        return list(captions)
    n_tokens = max(int(ids.argmax(dim=1).max()) + 1 for ids in captions)  # the end token is the largest id
    return [ids[:, : -(-n_tokens // LENGTH_STEP) * LENGTH_STEP] for ids in captions]


def _normalize(features: Tensor) -> Tensor:
    return F.normalize(features.float(), dim=-1)
