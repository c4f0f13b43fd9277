"""Read a state dict in torch's older format (before 1.6), without torch and without running code in the file.

Such a file consists of five pickles (a magic number, the format's version, properties of the machine, the state dict,
the keys of its storages), then of each storage: the number of its elements as int64, and the elements.
"""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["TorchFileError", "read_state_dict"]

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {"FloatStorage": "<f4", "LongStorage": "<i8"}  # from torch's classes to numpy's dtypes


class TorchFileError(Exception):
    """The file is not a state dict of this format, is damaged, or contains more than tensors."""


def read_state_dict(file: Path) -> dict[str, NDArray[Any]]:
    """The tensors by name. Raises TorchFileError, and OSError if the file cannot be read."""
    with file.open("rb") as stream:
        size_bytes = file.stat().st_size
        try:
            if _Unpickler(stream, size_bytes).load() != MAGIC:
                raise TorchFileError("it does not begin with the magic number of torch's older format")
            for _ in ("version", "machine"):
                _Unpickler(stream, size_bytes).load()
            unpickler = _Unpickler(stream, size_bytes)
            tensors = unpickler.load()
            for key in _Unpickler(stream, size_bytes).load():
                _fill(unpickler.storages[key], stream)
            if not isinstance(tensors, dict) or not all(isinstance(value, np.ndarray) for value in tensors.values()):
                raise TorchFileError("it is not a dict of tensors")
            return dict(tensors)
        except TorchFileError:
            raise
        except Exception as error:  # a damaged pickle can raise any of a dozen classes
            raise TorchFileError(f"it is damaged: {error}") from error


class _Unpickler(pickle.Unpickler):
    """Supports ordered dicts, tensors and their storages; rejects every other name, so no code of the file is run."""

    def __init__(self, stream: BinaryIO, size_bytes: int) -> None:
        super().__init__(stream)
        self.storages: dict[str, NDArray[Any]] = {}  # zeros until `_fill` reads them
        self._size_bytes = size_bytes

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _make_view
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise TorchFileError(f"it refers to {module}.{name}")

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        """pid: ("storage", dtype, key, device, number of elements, None)."""
        _, dtype, key, _, size, _ = pid
        if dtype not in STORAGES.values() or not 0 <= size * np.dtype(dtype).itemsize <= self._size_bytes:
            raise TorchFileError(f"it refers to a storage of {size} elements")
        return self.storages.setdefault(key, np.zeros(size, dtype))


def _make_view(
    storage: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> NDArray[Any]:
    """A tensor in a storage; offset and strides are in elements. numpy rejects one that exceeds the storage."""
    step = storage.itemsize
    return np.ndarray(shape, storage.dtype, storage.data, offset * step, tuple(stride * step for stride in strides))


def _fill(storage: NDArray[Any], stream: BinaryIO) -> None:
    size = int.from_bytes(stream.read(8), "little")
    content = stream.read(storage.nbytes)
    if size != len(storage) or len(content) != storage.nbytes:
        raise TorchFileError("it is truncated")
    storage[:] = np.frombuffer(content, storage.dtype)
