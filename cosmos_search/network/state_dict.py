"""The authors' names for the network's tensors, and back. Their checkpoints, and their rules by name, use these."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["from_official", "to_official"]

# (ours, theirs), tried in order on the beginning of a name
PREFIXES = (
    ("vision.blocks.", "visual.transformer.resblocks."),
    ("vision.class_embedding", "visual.class_embedding"),
    ("vision.positions", "visual.positional_embedding"),
    ("vision.projection", "visual.proj"),
    ("vision.patch_embedding.", "visual.conv1."),
    ("vision.norm_before.", "visual.ln_pre."),
    ("vision.norm_after.", "visual.ln_post."),
    ("image_attention.", "visual.attn_cross_pool."),
    ("image_token_map.", "image_token_mapping."),
    ("text.blocks.", "transformer.resblocks."),
    ("text.positions", "positional_embedding"),
    ("text.projection", "text_projection"),
    ("text.token_embedding.", "token_embedding."),
    ("text.norm_after.", "ln_final."),
    ("text_attention.", "text_attn_cross_pool."),
    ("text_token_map.", "text_token_mapping."),
)
# (ours, theirs), anywhere after the beginning
PARTS = (
    ("layer_norm1.", "ln_1."),
    ("layer_norm2.", "ln_2."),
    ("norm_query.", "ln_q."),
    ("norm_tokens.", "ln_k."),
    ("mlp.fc1.", "mlp.c_fc."),
    ("mlp.fc2.", "mlp.c_proj."),
)
PACKED = re.compile(r"(.*blocks\.\d+\.self_attn\.)q_proj\.(weight|bias)")


def to_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of ours under their names; q, k and v packed into one tensor, in this order."""
    official: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if (packed := PACKED.fullmatch(name)) is not None:
            block, kind = packed.groups()
            parts = [state[f"{block}{part}_proj.{kind}"] for part in "qkv"]
            official[_their_name(f"{block}in_proj_{kind}")] = torch.cat(parts)
        elif not re.search(r"self_attn\.[kv]_proj\.", name):
            official[_their_name(name)] = tensor
    return official


def from_official(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The way back. Names that are not theirs come through as they are, for a strict loader to refuse."""
    state: dict[str, Tensor] = {}
    for theirs, tensor in official.items():
        name = _our_name(theirs)
        if (packed := re.fullmatch(r"(.*blocks\.\d+\.self_attn\.)in_proj_(weight|bias)", name)) is not None:
            block, kind = packed.groups()
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                state[f"{block}{part}_proj.{kind}"] = rows
        else:
            state[name] = tensor
    return state


def _their_name(name: str) -> str:
    for ours, theirs in PREFIXES:
        if name.startswith(ours):
            rest = re.sub(r"self_attn\.|attention\.", "attn.", name[len(ours) :])
            for our_part, their_part in PARTS:
                rest = rest.replace(our_part, their_part)
            return theirs + rest
    return name


def _our_name(name: str) -> str:
    for ours, theirs in PREFIXES:
        if name.startswith(theirs):
            attention = "self_attn." if ours.endswith("blocks.") else "attention."
            rest = name[len(theirs) :].replace("attn.", attention)
            for our_part, their_part in PARTS:
                rest = rest.replace(their_part, our_part)
            return ours + rest
    return name
