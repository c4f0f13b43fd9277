import json

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trainer.data.samples import SkippedSample
from trainer.runs.folder import RunFolder
from trainer.runs.metrics_log import MetricsLog


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_metrics_and_images_are_written_as_jsonl_and_for_tensorboard(tmp_path):
    metrics_log = MetricsLog(RunFolder(tmp_path), 0, 0)
    for step in range(3):
        metrics_log.log_metrics(step, {"clip": 1 / (step + 1)})
    metrics_log.log_image(2, "attention", torch.rand(3, 8, 8))
    metrics_log.close()
    assert lines(tmp_path / "metrics.jsonl")[2] == {"step": 2, "clip": 1 / 3}
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    assert [event.step for event in board.Scalars("clip")] == [0, 1, 2]
    assert [event.step for event in board.Images("attention")] == [2]


def test_a_resumed_run_drops_the_lines_that_it_writes_again_and_incomplete_ones(tmp_path):
    metrics_log = MetricsLog(RunFolder(tmp_path), 0, 0)
    for step in range(5):
        metrics_log.log_metrics(step, {"clip": 1.0})
    metrics_log.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "cl')
    MetricsLog(RunFolder(tmp_path), 0, 3).close()
    assert [line["step"] for line in lines(tmp_path / "metrics.jsonl")] == [0, 1, 2]


def test_other_ranks_log_skipped_samples_only(tmp_path):
    metrics_log = MetricsLog(RunFolder(tmp_path), 1, 0)
    metrics_log.log_metrics(0, {"clip": 1.0})
    metrics_log.log_skipped(3, [SkippedSample("torn.jpg", "it is cut short")])
    metrics_log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["refused-1.jsonl"]
    assert lines(tmp_path / "refused-1.jsonl") == [{"step": 3, "key": "torn.jpg", "reason": "it is cut short"}]
