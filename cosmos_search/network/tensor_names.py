"""Rename the tensors of the network to the names in other files: those of earlier versions, and Hugging Face's CLIP."""

from collections.abc import Collection, Mapping

from torch import Tensor

__all__ = ["CLIP_NAMES", "rename_as_in_file", "rename_tensors"]

# Prefixes of names: ours, and those in files written before the network used the authors' names
EARLIER = {
    "positional_embedding": "text.positions",
    "text_projection": "text.projection",
    "logit_scale": "logit_scale",
    "distill_logit_scale": "distill_logit_scale",
    "visual.class_embedding": "vision.class_embedding",
    "visual.positional_embedding": "vision.positions",
    "visual.proj": "vision.projection",
    "visual.conv1.": "vision.patch_embedding.",
    "visual.ln_pre.": "vision.norm_before.",
    "visual.transformer.resblocks.": "vision.blocks.",
    "visual.attn_cross_pool.attn.": "image_attention.attention.",
    "visual.attn_cross_pool.ln_q.": "image_attention.norm_query.",
    "visual.attn_cross_pool.ln_k.": "image_attention.norm_tokens.",
    "visual.ln_post.": "vision.norm_after.",
    "transformer.resblocks.": "text.blocks.",
    "token_embedding.": "text.token_embedding.",
    "ln_final.": "text.norm_after.",
    "text_attn_cross_pool.attn.": "text_attention.attention.",
    "text_attn_cross_pool.ln_q.": "text_attention.norm_query.",
    "text_attn_cross_pool.ln_k.": "text_attention.norm_tokens.",
    "image_token_mapping.": "image_token_map.",
    "text_token_mapping.": "text_token_map.",
}
# The same, which are OpenCLIP's, too, and those of transformers' CLIPModel; CLIP has no cross-attention
CLIP_NAMES = {
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "text_projection": "text_projection.weight",
    "logit_scale": "logit_scale",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.proj": "visual_projection.weight",
    "visual.conv1.": "vision_model.embeddings.patch_embedding.",
    "visual.ln_pre.": "vision_model.pre_layrnorm.",
    "visual.transformer.resblocks.": "vision_model.encoder.layers.",
    "visual.ln_post.": "vision_model.post_layernorm.",
    "transformer.resblocks.": "text_model.encoder.layers.",
    "token_embedding.": "text_model.embeddings.token_embedding.",
    "ln_final.": "text_model.final_layer_norm.",
}
# Within blocks both other layouts use the names of Hugging Face, with separate queries, keys and values.
IN_BLOCKS = {
    "attn.": "self_attn.",
    "ln_1.": "layer_norm1.",
    "ln_2.": "layer_norm2.",
    "mlp.c_fc.": "mlp.fc1.",
    "mlp.c_proj.": "mlp.fc2.",
}
LAYERS = (".encoder.layers.", ".encoder.layer.")  # in AltCLIP, as transformers has it and as files have it


def rename_as_in_file(state: Mapping[str, Tensor], found: Collection[str]) -> Mapping[str, Tensor]:
    """The tensors of a state dict, as views, by their names in a file, which are the current or other ones.

    found: all names in the file.
    """
    if EARLIER["visual.positional_embedding"] in found:
        return rename_tensors(state, EARLIER)
    return {name if name in found else name.replace(*LAYERS): tensor for name, tensor in state.items()}


def rename_tensors(state: Mapping[str, Tensor], prefixes: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors whose names have one of these prefixes, renamed, as writable views.

    prefixes: from ours to theirs. In blocks, packed `in_proj` tensors are split into q_proj, k_proj and v_proj.
    """
    views: dict[str, Tensor] = {}
    for name, tensor in state.items():
        ours = next((ours for ours in prefixes if name.startswith(ours)), None)
        if ours is None:
            continue
        rest = name.removeprefix(ours)
        if not ours.endswith("resblocks."):
            views[prefixes[ours] + rest] = tensor
            continue
        for part, other_part in IN_BLOCKS.items():
            rest = rest.replace(part, other_part)
        if "in_proj_" in rest:
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                views[prefixes[ours] + rest.replace("in_proj_", f"{part}_proj.")] = rows
        else:
            views[prefixes[ours] + rest] = tensor
    return views
