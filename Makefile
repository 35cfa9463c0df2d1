# `make` lists what there is. Needs a Swift 6.2 toolchain; everything else is installed by `make dependencies`.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Where the build goes.
BUILD ?= .build
# Where `make install` puts things; DESTDIR is for packagers.
PREFIX ?= /usr/local
DESTDIR ?=
# Inputs for each target of fuzz, and which target.
RUNS ?= 1000000
TARGET ?=
KEEP ?=
# How long a soak goes on.
ROUNDS ?=
# How long flakes looks for tests that fail now and then.
HOURS ?=
# Somebody else's cluster, for test-cluster.
CLUSTER ?=
PLUGIN_DIR ?= /usr/libexec/kubernetes/kubelet-plugins/volume/exec

SWIFT_BUILD := swift build --scratch-path $(BUILD)
SWIFT_FILES := Sources Tests Benchmarks Package.swift
SHELL_FILES := $(wildcard lab/run lab/test lab/torture lab/torture-known lab/fuzz lab/sanity lab/docs lab/dependencies lab/volume-group lab/boot \
	lab/demo lab/cluster lab/cluster-test lab/kubernetes/programs lab/kubernetes/images lab/monitoring lab/promtool \
	daemonset/image/build .ci/run flex-install/*.sh Benchmarks/flex-call/run.sh \
	Tests/VolumeHostTests/Traces/replay)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: dependencies
dependencies: ## install what is missing to build, run and test (Debian and Ubuntu packages)
	@lab/dependencies

.PHONY: build
build: ## build the release executables, with the Swift library linked in
	@lab/dependencies build
	$(SWIFT_BUILD) -c release --static-swift-stdlib -Xswiftc -Osize

.PHONY: test
test: build-tests ## run every test; what needs a device mapper runs in the lab (no root needed)
	@BUILD=$(BUILD) lab/test

.PHONY: unit-test
unit-test: build-tests ## run the tests that need no device mapper
	@BUILD=$(BUILD) lab/test unit

.PHONY: flakes
flakes: build-tests ## repeat the unit tests beside busy loops and tell what failed how often; an hour; HOURS=number, FILTER=suites
	@HOURS=$(HOURS) $(BUILD)/debug/flakes

.PHONY: system-test
system-test: build-tests ## run the tests that need a device mapper; FILTER=pattern for some of them
	@BUILD=$(BUILD) lab/test system

.PHONY: test-cluster
test-cluster: build-tests build ## install on a real Kubernetes and run the tests there; needs root; CLUSTER=kubeconfig
	@lab/dependencies cluster
	@CLUSTER=$(CLUSTER) BUILD=$(BUILD) lab/test cluster

.PHONY: test-cluster-lvm
test-cluster-lvm: build-tests build ## the core of them with LVM, the cluster in a kernel of its own
	@lab/dependencies cluster
	@BUILD=$(BUILD) lab/test cluster-lvm

.PHONY: fuzz
fuzz: ## fuzz what reads bytes from outside, a million inputs each: TARGET=name, RUNS=number, KEEP=1, see lab/fuzz
	@lab/dependencies
	@BUILD=$(BUILD) RUNS=$(RUNS) KEEP=$(KEEP) lab/fuzz $(TARGET)

.PHONY: sanity
sanity: build-tests ## run flex-sanity against our client and daemon, in the lab
	@BUILD=$(BUILD) lab/sanity

.PHONY: torture
torture: ## strike a node 216 times, 36 of them power cuts, and look whether all holds; SEED=, N=rounds, KIND= for one run
	@lab/dependencies
	$(SWIFT_BUILD)
	@BUILD=$(BUILD) SEED=$(SEED) N=$(N) KIND=$(KIND) lab/torture

.PHONY: torture-known
torture-known: ## make classic mistakes, one at a time, and see that `make torture` finds each
	@lab/dependencies
	$(SWIFT_BUILD)
	@BUILD=$(BUILD) lab/torture-known

.PHONY: build-tests
build-tests:
	@lab/dependencies
	$(SWIFT_BUILD) --build-tests

.PHONY: bench
bench: build ## measure against the targets, about 10 minutes; a missed target is an error
	@lab/dependencies run lab test
	@$(BUILD)/release/bench flex-call volumes scale ownership

.PHONY: bench-cluster
bench-cluster: build ## measure on a real Kubernetes: requests and time per claim, memory, start of pods; 15 minutes; needs root; SECTIONS=
	@lab/dependencies run lab cluster
	@$(BUILD)/release/bench cluster

.PHONY: soak
soak: build-tests build ## claims, mounts, restarts by the hundred: everything must be as before; 15 minutes; ROUNDS=number
	@lab/dependencies run lab cluster
	@ROUNDS=$(ROUNDS) BUILD=$(BUILD) lab/test soak

.PHONY: docs
docs: build-tests ## build the pages of VolumeHost's public interface into $(BUILD)/docs; a warning is an error
	@BUILD=$(BUILD) lab/docs $(BUILD)/docs/VolumeHost

.PHONY: demo
demo: build ## show a volume's life on a real LVM: made, mounted, grown, kept over a power cut, removed
	@lab/dependencies run lab
	@BUILD=$(BUILD) lab/demo

.PHONY: image
image: build ## build the container image as an OCI archive, without an engine; IMAGE=name
	@lab/dependencies cluster
	@BUILD=$(BUILD) daemonset/image/build

.PHONY: manifests
manifests: build-tests ## check daemonset/ with a real API server: objects, rights, alerts, dashboard
	@lab/dependencies cluster monitoring
	@BUILD=$(BUILD) lab/test manifests

.PHONY: fmt
fmt: ## format the Swift files
	swift format --in-place --recursive --parallel $(SWIFT_FILES)

.PHONY: lint
lint: ## check the format of Swift files, and shell scripts
	swift format lint --strict --recursive --parallel $(SWIFT_FILES)
	@if command -v shellcheck >/dev/null; then shellcheck --external-sources $(SHELL_FILES); \
	else echo "shellcheck is not installed: shell scripts not checked" >&2; fi

.PHONY: check
check: lint build unit-test ## lint, build, and the tests that run anywhere

.PHONY: install
install: ## install the release build: DESTDIR=, PREFIX=/usr/local, PLUGIN_DIR= of the kubelet
	install -D -m 0755 $(BUILD)/release/elastic-local-node $(DESTDIR)$(PREFIX)/sbin/elastic-local-node
	flex-install/install.sh --source $(BUILD)/release --plugin-dir $(DESTDIR)$(PLUGIN_DIR)

.PHONY: clean
clean: ## remove the build
	rm -rf $(BUILD)
