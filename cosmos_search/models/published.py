"""The encoders that can be downloaded by name, with what they are good for and the figures that were published.

A cell that is None was not found in the source that is named.
"""

from dataclasses import dataclass

__all__ = ["PUBLISHED", "RECOMMENDED", "REPOSITORY", "PublishedModel"]

REPOSITORY = "sankim2/cosmos"  # on the Hugging Face hub
COSMOS_BYTES = 2_400_000_000  # of a checkpoint, of which a quarter is kept
SIGLIP_2 = "README_siglip2.md of google-research/big_vision"
OPEN_CLIP = "docs/openclip_retrieval_results.csv of mlfoundations/open_clip"
MANY = "many languages"

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """One checkpoint. Figures are in percent, from the source."""

    name: str
    network: str
    trained_on: str
    coco: Pair | None  # R@1 of image→text and text→image
    flickr30k: Pair | None  # likewise
    imagenet: float | None  # zero-shot top 1
    good_for: str = "English, long sentences"
    download_bytes: int | None = COSMOS_BYTES
    licence: str | None = "MIT"
    source: str = "the authors' README"  # of the figures
    repository: str = REPOSITORY  # on the Hugging Face hub

    @property
    def checkpoint(self) -> str | None:
        """The name of a COSMOS checkpoint in the repository; None for a repository that is a model directory."""
        return self.name.replace("-", "_") + ".pt" if self.repository == REPOSITORY else None


def _siglip_2(name: str, network: str, coco: Pair, imagenet: float, good_for: str, size: int | None) -> PublishedModel:
    repository = f"google/{name}"
    return PublishedModel(
        name, network, "WebLI", coco, None, imagenet, good_for, size, "Apache-2.0", SIGLIP_2, repository
    )


RECOMMENDED = "siglip2-base-patch16-256"  # see the line below the list of models
PUBLISHED = {
    model.name: model
    for model in (
        _siglip_2(RECOMMENDED, "ViT-B/16", (69.7, 53.2), 79.1, MANY, 1_500_000_000),
        _siglip_2("siglip2-base-patch32-256", "ViT-B/32", (63.7, 47.2), 74.0, f"{MANY}, fast", None),
        _siglip_2("siglip2-large-patch16-256", "ViT-L/16", (71.5, 54.7), 82.5, f"{MANY}, slow", None),
        _siglip_2("siglip2-so400m-patch14-384", "ViT-So400m/14", (71.7, 55.8), 84.1, f"{MANY}, very slow", None),
        PublishedModel(
            *("siglip-base-patch16-224", "ViT-B/16", "WebLI", (65.7, 47.8), (89.1, 74.7), None),
            *("English", 813_000_000, "Apache-2.0", OPEN_CLIP, "google/siglip-base-patch16-224"),
        ),
        PublishedModel(
            *("clip-vitb32-laion2b", "ViT-B/32", "LAION-2B", (56.3, 39.3), (84.1, 66.8), None),
            *("English, small, fast", 605_000_000, "MIT", OPEN_CLIP, "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
        ),
        PublishedModel(
            *("metaclip2-vitb32", "ViT-B/32", "MetaCLIP 2, worldwide", None, None, None),
            *(f"{MANY}, fast", None, None, "", "facebook/metaclip-2-worldwide-b32"),
        ),
        PublishedModel(
            *("chinese-clip-vitb16", "ViT-B/16", "200 million Chinese pairs", None, None, None),
            *("Chinese", None, None, "", "OFA-Sys/chinese-clip-vit-base-patch16"),
        ),
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
