# Two commands matter: `make book` and `make test`. Each prepares what it needs; the rest is one line over `wgan-course`.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)) python3)
READY := .venv/.ready
RUN := .venv/bin/wgan-course
.DEFAULT_GOAL := help
# Compiled modules are kept, whatever the environment says: kernels and sandboxes start by the hundred, and importing
# torch from source takes each of them three seconds more.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help book pdf book-zh test test-oldest types lab check check-style release grade doctor serve lock clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

$(READY): requirements.lock requirements-uv.lock pyproject.toml tools/bootstrap.sh
	@PYTHON="$(PYTHON)" sh tools/bootstrap.sh

book: $(READY)  ## Run the labs and build the book into _build/html
	@$(RUN) book

book-zh: $(READY)  ## Build the Chinese edition too, into _build/zh_CN
	@$(RUN) book --language zh_CN

pdf: $(READY)  ## Print the whole book into _build/pdf
	@$(RUN) pdf

serve: book  ## Build the book and show it at http://localhost:8000
	@.venv/bin/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

test: $(READY)  ## Run every test (installs what is missing)
	@sh tools/test.sh

test-oldest: $(READY)  ## Test the library on the oldest versions that pyproject.toml allows (a second environment, 6 GB)
	@sh tools/test_oldest.sh

types: $(READY)  ## Check the types with pyright
	@.venv/bin/python -m tools.pyright

lab: $(READY)  ## Open the exercises in JupyterLab
	@$(RUN) lab

check: $(READY)  ## Look over the course itself: style, notebooks, numbers, table of contents
	@$(RUN) check

check-style: $(READY)  ## Only the style: ruff's rules and ruff's format
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

release: $(READY)  ## Make exercises/ from solutions/
	@$(RUN) release

grade: $(READY)  ## Grade the set named by SET=..., for example make grade SET=ps01_js_saturation
	@$(RUN) grade $(SET)

doctor: $(READY)  ## What this machine has, what is missing, and how to get it
	@$(RUN) doctor

lock: $(READY)  ## Write requirements.lock again from pyproject.toml
	@.venv/bin/uv pip compile pyproject.toml --extra all --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header -o requirements.lock
	@printf 'uv==%s\n' "$$(.venv/bin/uv --version | cut -d' ' -f2)" | .venv/bin/uv pip compile - --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --no-header -o requirements-uv.lock

clean:  ## Remove what was built (keeps .venv)
	rm -rf _build build node_modules book/assets
