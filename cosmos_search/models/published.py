"""The encoders that can be downloaded by name: the authors' ten checkpoints, with the figures they published."""

from dataclasses import dataclass

__all__ = ["PUBLISHED", "REPOSITORY", "PublishedModel"]

REPOSITORY = "sankim2/cosmos"  # on the Hugging Face hub; MIT licence, by its card


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """One checkpoint. Figures are in percent, from the authors' README."""

    name: str
    network: str
    trained_on: str
    coco: tuple[float, float]  # R@1 of image→text and text→image
    flickr30k: tuple[float, float]  # likewise
    imagenet: float  # zero-shot top 1

    @property
    def file(self) -> str:
        """The name of its file in the repository."""
        return self.name.replace("-", "_") + ".pt"


PUBLISHED = {
    model.name: model
    for model in (
        PublishedModel("cosmos-vitb16-cc3m", "ViT-B/16", "CC3M-recap", (53.1, 40.1), (84.1, 68.6), 37.1),
        PublishedModel("cosmos-vitb16-cc12m", "ViT-B/16", "CC12M-recap", (64.2, 48.9), (91.4, 76.2), 51.4),
        PublishedModel("cosmos-vitb16-yfcc15m", "ViT-B/16", "YFCC15M-recap", (67.5, 50.9), (92.6, 79.6), 52.4),
        PublishedModel("cosmos-vitb16-merged30m", "ViT-B/16", "Merged-30M", (68.0, 52.5), (92.9, 80.3), 57.6),
        PublishedModel("cosmos-vitb16-pixelprose", "ViT-B/16", "PixelProse", (62.4, 43.4), (89.9, 73.6), 59.6),
        PublishedModel("cosmos-vitb32-cc3m", "ViT-B/32", "CC3M-recap", (47.6, 33.5), (74.3, 59.2), 33.0),
        PublishedModel("cosmos-vitb32-cc12m", "ViT-B/32", "CC12M-recap", (59.6, 43.0), (86.5, 69.8), 46.7),
        PublishedModel("cosmos-vitb32-yfcc15m", "ViT-B/32", "YFCC15M-recap", (64.5, 46.0), (90.2, 73.3), 48.1),
        PublishedModel("cosmos-vitb32-merged30m", "ViT-B/32", "Merged-30M", (64.3, 48.4), (89.9, 76.1), 53.4),
        PublishedModel("cosmos-vitb32-pixelprose", "ViT-B/32", "PixelProse", (57.2, 38.9), (85.6, 66.3), 54.3),
    )
}
