"""Settings of the server that affect its speed, in a real process."""

import os

from tests import ROOT
from tests.browser import page
from tests.demo import link_photos, make_index
from tests.visitor import visit

# Python imports this module when it starts.
COUNT = """
import gc
def count(phase, info):
    if phase == "start" and info["generation"] == 2:
        with open({log!r}, "a") as log:
            log.write("x")
gc.callbacks.append(count)
"""


def test_an_interaction_does_not_collect_the_garbage_of_the_whole_process(tmp_path, home):
    """As Streamlit does by default; the first interactions may, because they import."""
    log = tmp_path / "collections"
    log.touch()
    (tmp_path / "sitecustomize.py").write_text(COUNT.format(log=str(log)))
    index = make_index(tmp_path / "index", link_photos(tmp_path / "photos"))
    variables = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    with page(index, home, variables=variables) as address, visit(address) as visitor:
        for _ in range(3):
            visitor.run(query="query=a+cat")
        before = log.stat().st_size
        assert before, "not counted"
        for _ in range(5):
            visitor.run(query="query=a+cat")
        assert log.stat().st_size - before <= 1
