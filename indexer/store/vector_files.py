"""The files of an index's vectors: the rows, the candidate index, and a manifest that names both.

All are derived from the catalog and may be deleted at any time. The manifest is replaced last, so that a reader sees
either the old or the new state. Rows are only appended to their file; the manifest says how many there are.
"""

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexer.files import open_file, replace_file
from indexer.store.candidate_info import Bounds, CandidateInfo, FileCheck
from indexer.store.picture_rows import PictureRows, map_rows

if TYPE_CHECKING:
    from indexer.store.candidates import CandidateIndex

__all__ = ["SavedVectors", "list_manifests", "load_saved", "manifest_path", "write_manifest"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedVectors:
    """The state that a manifest describes, with the rows memory-mapped."""

    path: Path  # of the manifest
    encoder_id: int
    version: int  # of the catalog
    rows: PictureRows
    rows_name: str
    info: CandidateInfo | None  # None: so few rows that all pictures are scored
    candidates: "CandidateIndex | None"  # of all pictures in `rows`; memory-mapped

    @property
    def names(self) -> set[str]:
        """The names of the files."""
        return {self.path.name, self.rows_name} | ({self.info.name} if self.info is not None else set())

    def exists(self) -> bool:
        """False if one of the files was deleted; they are still open here."""
        return all(self.path.with_name(name).exists() for name in self.names)


def manifest_path(place: Path, encoder_id: int, version: int) -> Path:
    """The manifest of this state of the catalog, whether it exists or not. place: the directory of the index."""
    return place / f"vectors-{encoder_id}-{version}.npz"


def list_manifests(place: Path, encoder_id: int, version: int) -> list[Path]:
    """The manifests of this encoder's vectors, that of this version first."""
    wanted = manifest_path(place, encoder_id, version)
    others = sorted(path for path in place.glob(f"vectors-{encoder_id}-*.npz") if path != wanted)
    return [wanted, *others] if wanted.exists() else others


def write_manifest(path: Path, rows: PictureRows, rows_name: str, n_rows: int, info: CandidateInfo | None) -> None:
    """Write a manifest, atomically. n_rows: the number of rows in the file, those of removed pictures included.

    Raises OSError.
    """
    content: dict[str, Any] = {"rows": rows_name, "n_rows": n_rows, "dim": rows.data.shape[1], "candidates": None}
    sample = np.zeros((0, rows.data.shape[1]), dtype=np.float16)
    if info is not None:
        content["candidates"] = asdict(info)
        sample = content["candidates"]["bounds"].pop("sample")
    text = np.frombuffer(json.dumps(content).encode(), dtype=np.uint8)
    arrays: dict[str, Any] = {
        "ids": rows.ids,
        "starts": rows.starts,
        "counts": rows.counts,
        "sample": sample,
        "content": text,
    }
    replace_file(path, lambda file: np.savez(file, **arrays))


def load_saved(path: Path, dim: int) -> SavedVectors | None:
    """The state of a manifest; None if it or one of its files is missing, damaged or of another kind."""
    try:
        with open_file(path) as manifest, np.load(manifest, allow_pickle=False) as arrays:  # verifies checksums
            content = json.loads(arrays["content"].tobytes())
            if content["dim"] != dim:
                raise ValueError(f"{path} has rows of {content['dim']} numbers, not of {dim}")
            with open_file(path.with_name(content["rows"])) as file:
                data = map_rows(file, content["n_rows"], dim)
            rows = PictureRows(arrays["ids"], arrays["starts"], arrays["counts"], data)
            info = None if content["candidates"] is None else _read_info(content["candidates"], arrays["sample"])
        candidates = None
        if info is not None:
            from indexer.store.candidates import CandidateIndex

            candidates = CandidateIndex.load(path.with_name(info.name), info.check, is_mapped=True)
        encoder_id, version = map(int, path.stem.split("-")[1:])
        return SavedVectors(path, encoder_id, version, rows, content["rows"], info, candidates)
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever is wrong with the files, the catalog has the vectors
        log.info("%s is not used: %s", path, error)
        return None


def _read_info(content: dict[str, Any], sample: Any) -> CandidateInfo:
    bounds = Bounds(**{name: tuple(values) for name, values in content.pop("bounds").items()}, sample=sample)
    return CandidateInfo(check=FileCheck(**content.pop("check")), bounds=bounds, **content)
