import torch

from tests.learners import micro_batch, micro_learner
from trainer.method.step import forward_backward
from trainer.method.student import Batch


def test_padding_is_left_out_of_all_captions_but_the_first_and_changes_nothing():
    whole = micro_batch()
    ids = torch.stack(whole.ids, dim=1)
    ids[:, :, 8:] = 0  # the end token stands at 7
    kept = Batch(whole.keys, whole.views, tuple(ids.unbind(1)))
    cut = Batch.collate(whole.keys, whole.views, ids)
    assert [row.shape[1] for row in cut.ids] == [12, 8, 8, 8]
    seen = []
    for batch in (kept, cut):
        learner = micro_learner()
        losses = forward_backward(learner, batch)
        seen.append([losses.total, *(parameter.grad for parameter in learner.student.parameters())])
    for ours, theirs in zip(*seen, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
