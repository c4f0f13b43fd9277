"""The names of the test sets and where their files come from. Imports nothing else: the help of a command shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["NAMES", "ORIGINS", "Name", "Origin"]

Name = Literal[
    "coco", "flickr8k", "flickr30k", "docci", "dci", "urban1k", "iiw", "sharegpt4v",
    "regions", "sugarcrepe", "winoground", "imagenet", "classes",
]  # fmt: skip
NAMES: tuple[Name, ...] = get_args(Name)


@dataclass(frozen=True, slots=True)
class Origin:
    """What to name as the source of a set, and where it comes from. split: the one that is used by default."""

    source: str
    place: str
    split: str | None = None


ORIGINS: Mapping[Name, Origin] = {
    "coco": Origin(
        "dataset_coco.json or captions_val2017.json",
        "cs.stanford.edu/people/karpathy/deepimagesent; cocodataset.org",
        "test",
    ),
    "flickr8k": Origin(
        "dataset_flickr8k.json or Flickr8k.token.txt", "cs.stanford.edu/people/karpathy/deepimagesent", "test"
    ),
    "flickr30k": Origin(
        "dataset_flickr30k.json or results_20130124.token",
        "cs.stanford.edu/people/karpathy/deepimagesent; shannon.cs.illinois.edu/DenotationGraph",
        "test",
    ),
    "docci": Origin("docci_descriptions.jsonlines", "google.github.io/docci", "test"),
    "dci": Origin("the folder densely_captioned_images/", "github.com/facebookresearch/DCI"),
    "urban1k": Origin("the folder Urban1k/", "huggingface.co/datasets/BeichenZhang/Urban1k"),
    "iiw": Origin("the folder datasets/", "github.com/google/imageinwords"),
    "sharegpt4v": Origin(
        "share-captioner_coco_lcs_sam_1246k_1107.json", "huggingface.co/datasets/Lin-Chen/ShareGPT4V", "1000"
    ),
    "regions": Origin("dataset.jsonl of SORCE-1K, or your own", "huggingface.co/datasets/lcxrocks/sorce-1k"),
    "sugarcrepe": Origin("the folder data/", "github.com/RAIVNLab/sugar-crepe (pictures: COCO val2017)"),
    "winoground": Origin("examples.jsonl", "huggingface.co/datasets/facebook/winoground"),
    "imagenet": Origin("the folder of ILSVRC2012's validation pictures", "image-net.org"),
    "classes": Origin("a folder with one folder of pictures for each class", "your own"),
}
