# Each target calls one script. Everything is installed into this checkout by `make setup` (see scripts/setup).
PYTHON ?= python3
.PHONY: setup demo test check lock vectors mutate adversaries static prove coverage test-deep
.PHONY: bench-loss bench-gas bench-gate bench-economics bench-false-alarms

setup: ; @$(PYTHON) scripts/setup
demo: setup ; @.venv/bin/python scripts/demo.py $(ARGS)
test: setup ; @scripts/test $(ARGS)
check: setup ; @scripts/check
lock: ; @scripts/lock $(ARGS)
bench-loss: setup ; @.venv/bin/python scripts/bench/loss.py $(ARGS)
bench-gas: setup ; @.venv/bin/python scripts/bench/gas.py $(ARGS)
bench-gate: setup ; @.venv/bin/python scripts/bench/gate.py $(ARGS)
bench-economics: setup ; @.venv/bin/python scripts/bench/economics.py $(ARGS)
bench-false-alarms: setup ; @.venv/bin/python scripts/bench/false_alarms.py $(ARGS)
vectors: setup ; @.venv/bin/python scripts/vectors.py $(ARGS)
mutate: setup ; @.venv/bin/python -m scripts.mutate $(ARGS)
adversaries: setup ; @.venv/bin/python -m tests.adversaries $(ARGS)
static: setup ; @scripts/prove static
prove: setup ; @scripts/prove symbolic $(ARGS)
coverage: setup ; @scripts/prove coverage
test-deep: setup ; @scripts/test-deep $(ARGS)
