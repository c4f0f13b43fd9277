# Everything runs in .venv, made on first use from setup.py and constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := cluster cosmos_search indexer trainer ui
FIND_PHOTOS := from importlib.util import find_spec; \
  print(*(find_spec(name).submodule_search_locations[0] + folder \
    for name, folder in (('skimage', '/data'), ('sklearn', '/datasets/images'))))

.PHONY: demo page test check format experiment ablation cosmos-mini pictures clean

# The wheels of scikit-image and scikit-learn ship some twenty real photos; they are indexed where they lie.
demo: export COSMOS_SEARCH_INDEX := .demo/index
demo: .venv/installed
	$(BIN)/cosmos-search index $$($(BIN)/python -c "$(FIND_PHOTOS)")
	$(BIN)/cosmos-search info
	$(BIN)/cosmos-search search "a cat" -n 3
	$(BIN)/cosmos-search search "a cup of coffee" -n 3
	$(BIN)/cosmos-search search "motorcycle" -n 3
	$(BIN)/cosmos-search search "a building" -n 3
	$(BIN)/cosmos-search search "a zebra crossing"
	$(BIN)/cosmos-search search "A man with a camera. A tripod." -n 1 --explain .demo/why

# The demo's pictures in the browser.
page: export COSMOS_SEARCH_INDEX := .demo/index
page: .venv/installed
	$(BIN)/cosmos-search ui

test: .venv/installed
	$(BIN)/python -m pytest

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES) benchmarks

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The second part of docs/experiment.md: trains fifteen small encoders. It can be stopped at any time and resumes.
experiment: .venv/installed
	$(BIN)/python -m benchmarks.parts.run .experiment

# Both parts need captioned photos, by default Flickr8k as webdataset shards, which are not part of this project.
TRAIN ?= flickr8k-train.tar
VAL ?= flickr8k-dev.tar

# The ablation on photos, the first part of docs/experiment.md. It resumes, too.
ablation: .venv/installed
	$(BIN)/python -m benchmarks.quality.ablation .ablation --data $(TRAIN) --val $(VAL)

# The trained weights of the built-in encoder and its calibration, as they are packaged; see docs/cosmos-mini.md.
cosmos-mini: .venv/installed
	$(BIN)/cosmos-search-train run --preset mini-head --data $(TRAIN) --out .cosmos-mini/head
	$(BIN)/cosmos-search-train run --preset mini-finetune --init .cosmos-mini/head --data $(TRAIN) --out .cosmos-mini/run
	$(BIN)/cosmos-search-train export .cosmos-mini/run .cosmos-mini/exported --checkpoint last
	cp .cosmos-mini/exported/cosmos-mini.safetensors cosmos_search/data/
	$(BIN)/python -m benchmarks.quality.calibrate --train $(TRAIN) --val $(VAL)

# The screenshots of the page in docs/, taken by its tests.
pictures: .venv/installed
	PICTURES=docs $(BIN)/python -m pytest tests/ui/test_page.py tests/ui/test_flow.py -k "photographed or kept_with"

.venv/installed: setup.py constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf .venv .demo .cosmos-mini build dist *.egg-info
