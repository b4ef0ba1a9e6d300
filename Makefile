# Two targets do everything on a fresh machine: `make demo` and `make test`.
SHELL := /bin/bash
RELEASE := .build/release/dewpoint

.PHONY: demo run test unit end-to-end fuzz fuzz-short bench build setup coverage configuration generate clean

demo: setup build        ## See an order go through queues and functions, failures included
	@examples/orders/demo

run: setup build         ## Build and start a server that keeps running
	@.build/release/dewpoint up

test: unit fuzz-short end-to-end    ## Everything that CI runs

unit: setup
	@scripts/setup test
	scripts/check-sources
	.venv/bin/python Tools/generate-models --check
	swift build --build-tests
	swift test --skip-build

end-to-end: setup build
	@scripts/setup test
	.venv/bin/python -m pytest -q -n 2 --dist loadfile Tests/EndToEnd --ignore=Tests/EndToEnd/test_hostile_load.py
	# Shares of the processor are measured alone.
	.venv/bin/python -m pytest -q Tests/EndToEnd/test_hostile_load.py

fuzz: setup              ## Ten minutes of fuzzing for each parser (Tests/Fuzz/README.md)
	Tests/Fuzz/run 600

fuzz-short: setup
	Tests/Fuzz/run 2

bench: setup build       ## Benchmarks; they print ratios and take some minutes
	@scripts/setup test
	Benchmarks/run

setup:
	@scripts/setup run

build:
	swift build -c release --static-swift-stdlib

coverage: build          ## Writes docs/COVERAGE.md from the operation tables
	@.build/release/dewpoint coverage > docs/COVERAGE.md

configuration: build     ## Writes docs/CONFIGURATION.md from the table of settings
	@.build/release/dewpoint config --explain > docs/CONFIGURATION.md

generate: setup          ## Generates the service models again
	.venv/bin/python Tools/generate-models

clean:
	rm -rf .build .venv
