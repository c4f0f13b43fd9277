"""Our network against the official one's stored outputs; the checker and its data are in data/parity."""

import subprocess
import sys

from tests import DATA, ROOT

DATA = DATA / "parity"
ADAPTER = ROOT / "tests" / "parity_adapter.py"


def test_every_number_of_the_micro_network_is_the_official_one():
    command = [sys.executable, DATA / "check_parity.py", ADAPTER, "--configs", "micro", "-v"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ADAPTER.parent.parent)
    assert done.returncode == 0, done.stdout
    assert "'FAIL': 0, 'SKIP': 0" in done.stdout, done.stdout
    for part in (
        "tokenize[29]",
        "preprocess",
        "split_caption",
        "lr_at",
        "retrieval",
        "text pool weights",
        "dense csa=True",
        "two ranks rank1/g_dscale",
    ):
        assert f"PASS  {part}" in done.stdout or f"PASS  micro {part}" in done.stdout, part
    for layout in ("hub_format_micro.pt", "hub_format_micro_noprefix_noopt.pt", "bare_format_micro.pt"):
        for role in ("student", "teacher"):
            assert f"PASS  {layout} {role}" in done.stdout
