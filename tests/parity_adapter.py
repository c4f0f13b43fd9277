"""What check_parity.py asks of an implementation: our functions under its names, numpy in and out."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from cosmos_search.evaluation.metrics import compute_retrieval_metrics as retrieval
from cosmos_search.network.checkpoint import load_checkpoint as load_official_file
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import clip_tokenizer
from trainer.data.captions import split_caption
from trainer.method.optimizer import make_optimizer
from trainer.method.schedules import lr_at, momentum_at
from trainer.method.step import TrainState, training_step
from trainer.method.student import Batch, Method, Student

sys.path.insert(0, str(Path(__file__).parent.parent))  # the checker loads this file by its path
from tests.ranks import WORLD, on_two_ranks

__all__ = ["lr_at", "momentum_at", "retrieval", "split_caption"]


def tokenize(texts):
    return clip_tokenizer()(texts, specials=True)


def preprocess(path):
    return Preprocess()(Image.open(Path(path)).convert("RGB"))


def config_of(entry):
    vision, text = entry["vision_cfg"], entry["text_cfg"]
    return CosmosConfig(
        embed_dim=entry["embed_dim"],
        image_size=vision["image_size"],
        patch_size=vision["patch_size"],
        vision_width=vision["width"],
        vision_layers=vision["layers"],
        vision_heads=vision["width"] // vision["head_width"],
        text_width=text["width"],
        text_layers=text["layers"],
        text_heads=text["heads"],
        context_length=text["context_length"],
        vocab_size=text["vocab_size"],
    )


def load(entry, state_dict):
    model = CosmosModel(config_of(entry))
    model.load_state_dict({name: torch.tensor(array) for name, array in state_dict.items()})
    return model.eval()


def load_checkpoint(path, entry, role):
    return load_official_file(Path(path), role, config_of(entry))


@torch.inference_mode()
def encode_image(model, pixels):
    encoded = model.encode_images(torch.tensor(pixels))
    return {
        "features": encoded.features.numpy(),
        "patch_tokens_raw": encoded.tokens.numpy(),
        "patch_tokens": model.image_token_mapping(encoded.tokens).numpy(),
    }


@torch.inference_mode()
def encode_text(model, ids):
    encoded = model.encode_texts(torch.tensor(ids))
    return {
        "features": encoded.features.numpy(),
        "word_tokens_raw": encoded.tokens.numpy(),
        "word_tokens": model.text_token_mapping(encoded.tokens).numpy(),
    }


def cross_image(model, text_features, patch_tokens):
    return _attend(model.visual.attn_cross_pool, text_features, patch_tokens)


def cross_text(model, image_features, word_tokens):
    return _attend(model.text_attn_cross_pool, image_features, word_tokens)


@torch.inference_mode()
def dense(model, pixels, csa):
    return model.dense(torch.tensor(pixels), csa=csa).numpy()


@torch.inference_mode()
def _attend(attention, features, tokens):
    out, weights = attention.with_weights(torch.tensor(features)[:, None], torch.tensor(np.ascontiguousarray(tokens)))
    return out[:, 0].numpy(), weights[:, :, 0].numpy()


def train(entry, student_state, teacher_state, batches, hp):
    torch.set_num_threads(1)
    student, teacher = load(entry, student_state), load(entry, teacher_state).requires_grad_(False)
    learner = _learner(student, teacher, hp)
    steps = []
    for step, (views, ids) in enumerate(batches):
        lr = lr_at(step, hp["lr"], hp["warmup"], hp["total_steps"])
        momentum = hp["momentum"]
        if not hp["fix_momentum"]:
            momentum = momentum_at(step, hp["momentum"], hp["total_steps"])
        batch = Batch.collate(("",) * len(ids), tuple(map(torch.tensor, views)), torch.tensor(ids))
        losses = training_step(learner, batch, lr=lr, ema_momentum=momentum)
        steps.append(
            {
                "clip_loss": losses.clip.item(),
                "distill_loss": losses.distill.item(),
                "cosmos_groups": _groups(losses),
                "grad_norm": {name: float(p.grad.norm()) for name, p in student.named_parameters()},
                "lr": lr,
            }
        )
    return {"steps": steps, "student": student.state_dict(), "teacher": teacher.state_dict()}


def two_rank_loss(inputs):
    """inputs: rank0/NAME and rank1/NAME, and the two scales."""
    names = {name.split("/")[1] for name in inputs if "/" in name}
    stacked = {name: np.stack([inputs[f"rank{rank}/{name}"] for rank in range(WORLD)]) for name in names}
    scales = {name: inputs[name] for name in ("scale", "dscale")}
    with TemporaryDirectory() as folder:
        found = on_two_ranks(Path(folder), {name: torch.tensor(x) for name, x in (stacked | scales).items()})
    return {f"rank{rank}/{name}": x.numpy() for rank in range(WORLD) for name, x in found[rank]["loss"].items()}


def _learner(student, teacher, hp):
    optimizer = make_optimizer(student, lr=hp["lr"], weight_decay=hp["wd"], betas=tuple(hp["betas"]), eps=hp["eps"])
    method = Method()
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    return TrainState(student.train(), teacher, optimizer, Student(student, method), method, scaler)


def _groups(losses):
    terms = losses.terms
    return {
        "img_img": terms.image_image.item(),
        "img_txt": terms.image_text.item(),
        "txt_img": terms.text_image.item(),
        "txt_txt": terms.text_text.item(),
    }
