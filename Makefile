# A thin index over scripts/. `make help` lists the targets.
# ARGS goes to the program behind a target: make demo ARGS="--keep", make test ARGS="--filter PKITests".

ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help bootstrap demo demo-picture docs docs-check build test soak bench python-test lint format protos protos-check release deb deb-test image image-test compose-test deploy-check clean

help: ## List the targets.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## Install what building and testing need (apt packages, Python packages into .venv).
	@scripts/bootstrap.sh

demo: ## Build, then run cloud, core and thing on this machine for a minute.
	@scripts/demo.sh $(ARGS)

build: ## Build the programs (debug).
	@scripts/build.sh

test: ## Build (debug) and run all tests.
	@scripts/test.sh $(ARGS)

soak: ## Let faults of all kinds happen to real processes; ARGS="--minutes 60 --seed N". See docs/reliability.md.
	@scripts/soak.sh $(ARGS)

bench: ## Build (release) and measure; ARGS=--quick for one short run. See Benchmarks/REPORT.md.
	@scripts/bench.sh $(ARGS)

python-test: ## Install the Python package into .venv-python, check its types and run its tests.
	@scripts/python-test.sh $(ARGS)

docs: ## Make docs/reference/ from the code and the programs (after make build).
	@scripts/docs.sh

docs-check: ## Check links, commands and the reference pages of the docs, and run what they show (after make build).
	@scripts/docs.sh --check

demo-picture: ## Record the demonstration for docs/images/demo.svg and docs/demo.md (after make build).
	@scripts/demo-picture.py

lint: ## Check format, layers, banned calls, protos and scripts, and check the checks.
	@scripts/lint.sh
	@scripts/lint-selftest.sh

format: ## Format the Swift code in place.
	@scripts/format.sh

protos: ## Regenerate Sources/HedgerowAPI/Generated from Protos/.
	@scripts/bootstrap.sh
	@scripts/protos.sh

protos-check: ## Fail when the generated code is not current.
	@scripts/protos-check.sh

release: ## Build the programs for use: release, Swift linked in, stripped; into .build-release/programs.
	@scripts/release.sh

deb: ## Make Debian packages of core, cloud and command line (a release build first).
	@scripts/deb.sh $(ARGS)

deb-test: ## Install, run, upgrade, remove and purge the packages of the last release build, in a container.
	@deploy/debian/test.sh

image: ## Make container images of cloud, core and command line (a release build first).
	@scripts/image.sh $(ARGS)

image-test: ## Build images of the last release build and run them, confined, in containers.
	@deploy/docker/test.sh

compose-test: ## Run deploy/compose.yaml with podman-compose, on images of the last release build.
	@deploy/compose/test.sh

deploy-check: ## Check units, Kubernetes manifests, compose file and scripts of deploy/.
	@deploy/test/check.sh

clean: ## Remove what was built, and .venv.
	@scripts/clean.sh
