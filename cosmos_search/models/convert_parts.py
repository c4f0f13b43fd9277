"""Files of older model directories, converted to those that are read: vocabularies to tokenizer.json, a pickle."""

import warnings
from pathlib import Path
from pickle import UnpicklingError

import tokenizers
import torch
from safetensors.torch import save_file
from tokenizers import models, normalizers, pre_tokenizers
from torch import Tensor

from cosmos_search.json_files import read_object
from cosmos_search.model_config import VOCABULARY
from cosmos_search.network.model_files import find_files, read_part
from cosmos_search.processing.text import has_clip_merges, save_clip_tokenizer
from indexer.errors import CosmosSearchError

__all__ = ["PICKLE", "SENTENCEPIECE", "WORDPIECE", "convert_pickle", "convert_tokenizer"]

PICKLE, WORDPIECE, SENTENCEPIECE, MERGES = "pytorch_model.bin", "vocab.txt", "spiece.model", "merges.txt"
MAX_SHARING = 2  # times the size of the file; tensors may share their storage


def convert_tokenizer(source: Path, target: Path) -> None:
    """Write a tokenizer.json from the vocabulary of BERT, of SigLIP or of CLIP in `source`.

    Raises CosmosSearchError if there is none, or it is damaged.
    """
    found = find_files(source, (WORDPIECE, SENTENCEPIECE, MERGES))
    if WORDPIECE in found:
        _convert_wordpiece(source).save(str(target))
    elif SENTENCEPIECE in found:
        _convert_sentencepiece(source).save(str(target))
    elif MERGES in found and has_clip_merges(read_part(source, MERGES)):
        save_clip_tokenizer(target)
    else:
        raise CosmosSearchError(f"{source} is not a complete model: tokenizer.json is missing.")


def convert_pickle(source: Path, target: Path) -> None:
    """Write the tensors of a pickle as safetensors; it is read without running code in it."""
    file = find_files(source, (PICKLE,))[PICKLE]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about what is rejected below
            content = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except UnpicklingError as error:
        raise CosmosSearchError(f"{source / PICKLE} is not opened: it is damaged, or could run code.") from error
    except Exception as error:  # a damaged pickle can raise almost any exception
        raise CosmosSearchError(f"{source / PICKLE} is truncated or of another format.") from error
    is_state = isinstance(content, dict) and all(isinstance(tensor, Tensor) for tensor in content.values())
    if not is_state or not all(isinstance(name, str) for name in content):
        raise CosmosSearchError(f"{source / PICKLE} contains more than tensors.")
    if sum(tensor.nbytes for tensor in content.values()) > MAX_SHARING * file.stat().st_size:
        raise CosmosSearchError(f"{source / PICKLE} can't be used: its tensors are larger than the file.")
    save_file({name: tensor.clone().contiguous() for name, tensor in content.items()}, target)


def _convert_wordpiece(source: Path) -> tokenizers.Tokenizer:
    """BERT's: one token a line; whether it lowers the case stands in tokenizer_config.json."""
    try:
        lines = read_part(source, WORDPIECE).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CosmosSearchError(f"{source / WORDPIECE} can't be used: it is not in UTF-8.") from error
    vocabulary = {token: i for i, token in enumerate(lines)}
    if "[UNK]" not in vocabulary:
        raise CosmosSearchError(f"{source / WORDPIECE} can't be used: it has no [UNK].")
    has_config = "tokenizer_config.json" in find_files(source, ("tokenizer_config.json",))
    config = read_object(source / "tokenizer_config.json") if has_config else {}
    made = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=config.get("do_lower_case", True) is True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def _convert_sentencepiece(source: Path) -> tokenizers.Tokenizer:
    """A Unigram model of SentencePiece whose ids are the positions of its pieces, as SigLIP and T5 have it."""
    from transformers.convert_slow_tokenizer import import_protobuf

    try:
        proto = import_protobuf().ModelProto()  # type: ignore[no-untyped-call]
        proto.ParseFromString(read_part(source, SENTENCEPIECE))
        pieces = [(piece.piece, piece.score) for piece in proto.pieces]
        charsmap = proto.normalizer_spec.precompiled_charsmap
        is_unigram = proto.trainer_spec.model_type == 1
        made = tokenizers.Tokenizer(models.Unigram(pieces, proto.trainer_spec.unk_id, False))
    except CosmosSearchError:
        raise
    except Exception as error:  # of protobuf, which has several implementations, and of tokenizers
        raise CosmosSearchError(f"{source / SENTENCEPIECE} is damaged, or not a model of SentencePiece.") from error
    if not is_unigram or len(pieces) >= VOCABULARY[1]:
        raise CosmosSearchError(f"{source / SENTENCEPIECE} can't be used: it is not a Unigram model.")
    steps: list[normalizers.Normalizer] = [normalizers.Precompiled(charsmap)] if charsmap else []
    blanks = tokenizers.Regex(" {2,}")
    made.normalizer = normalizers.Sequence([*steps, normalizers.Strip(), normalizers.Replace(blanks, " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return made
