import pytest

from cosmos_search.cli.advice import add_advice
from cosmos_search.encoders.devices import (
    DeviceError,
    PrecisionError,
    choose_device,
    choose_precision,
    has_nvidia_gpu,
)
from indexer.errors import UsageError


def test_an_nvidia_driver_is_seen_without_torch(tmp_path):
    (tmp_path / "version").touch()
    assert has_nvidia_gpu(tmp_path / "version")


@pytest.mark.skipif(has_nvidia_gpu(), reason="this machine has a GPU")
def test_without_a_gpu_auto_is_the_cpu_and_cuda_is_refused():
    assert choose_device("auto") == "cpu"
    with pytest.raises(DeviceError, match="none in this machine") as refused:
        choose_device("cuda")
    assert add_advice(refused.value).endswith("Without it: --device cpu")


def test_unknown_names_are_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="auto, cpu, cuda, mps"):
        choose_device("tpu")
    with pytest.raises(UsageError, match="auto, fp32, bf16, fp16, int8"):
        choose_precision("fp8", "cpu")


@pytest.mark.parametrize(
    ("wanted", "device", "chosen"),
    [("auto", "cpu", "auto"), ("auto", "cuda", "fp16"), ("bf16", "cpu", "bf16"), ("fp32", "cuda", "fp32")],
)
def test_each_device_has_its_precision(wanted, device, chosen):
    assert choose_precision(wanted, device) == chosen


@pytest.mark.parametrize(
    ("wanted", "device", "message"),
    [
        ("int8", "cuda", "int8 runs only on a CPU. Choose --device cpu, or --precision fp16"),
        ("fp16", "cpu", "fp16 runs only on a GPU. On a CPU: --precision int8, bf16 or fp32"),
    ],
)
def test_a_precision_that_a_device_lacks_is_refused(wanted, device, message):
    with pytest.raises(PrecisionError) as refused:
        choose_precision(wanted, device)
    assert add_advice(refused.value) == message
