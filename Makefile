# All targets for developers and the CI. `make` prints the list.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

BIN     := bin
TOOLS   := .bin
CACHE   := .cache
MODULES := sdk host host/e2e $(patsubst %/go.mod,%,$(wildcard plugins/*/go.mod))
PLUGINS := $(patsubst plugins/%/go.mod,%,$(wildcard plugins/*/go.mod))

VERSION  = $(shell git describe --tags --always --dirty --match 'v[0-9]*' 2>/dev/null || echo dev)
GO_BUILD = CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)"

BUF_VERSION                := v1.75.0
GOLANGCI_LINT_VERSION      := v2.15.0
PROTOC_GEN_GO_VERSION      := v1.36.12
PROTOC_GEN_GO_GRPC_VERSION := v1.6.2
GOVULNCHECK_VERSION        := v1.9.0
BENCHSTAT_VERSION          := v0.0.0-20260908200009-22c9c6c9d4da

FUZZ_TIME   ?= 50000x
BENCH_COUNT ?= 6

# The number of sessions in benchmarks of session checks; the default is a few thousand. The
# performance targets apply to BENCH_SESSIONS=1000000 BENCH_COUNT=1, which takes five minutes
# longer.
BENCH_SESSIONS ?=

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

##@ Build and try

.PHONY: build
build: ## Build bin/doorward and the plugins in bin/plugins
	$(GO_BUILD) -o $(BIN)/doorward ./host/cmd/doorward
	@for plugin in $(PLUGINS); do \
		echo "building $(BIN)/plugins/doorward-plugin-$$plugin"; \
		$(GO_BUILD) -o $(BIN)/plugins/doorward-plugin-$$plugin ./plugins/$$plugin; \
	done
	@chmod 0755 $(BIN)/plugins/doorward-plugin-* # for any umask: the host refuses a plugin that others can write
	@rm -f $(BIN)/plugins/plugins.lock
	@$(BIN)/doorward plugin add --dir $(BIN)/plugins $(addprefix $(BIN)/plugins/doorward-plugin-,$(PLUGINS))

.PHONY: demo
demo: build ## Sign in on this machine, with identity providers that are part of the demo
	@go build -buildvcs=false -o $(BIN)/demo ./host/e2e/cmd/demo
	@exec $(BIN)/demo $(DEMO_FLAGS)

##@ Test

.PHONY: test
test: build ## Run every test: unit tests, plugin conformance, end to end with real servers and a browser
	@.ci/setup
	@.ci/test

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZ_TIME (50000x, a number of inputs)
	@.ci/fuzz $(FUZZ_TIME)

.PHONY: bench
bench: $(TOOLS)/benchstat ## Run the benchmarks BENCH_COUNT times (6) and compare them with the previous run
	@mkdir -p $(CACHE)
	@if [ -f $(CACHE)/bench.txt ]; then mv $(CACHE)/bench.txt $(CACHE)/bench.before.txt; fi
	DOORWARD_BENCH_SESSIONS=$(BENCH_SESSIONS) go test -run '^$$' -bench . -benchmem -count $(BENCH_COUNT) work | tee $(CACHE)/bench.txt
	@if [ -f $(CACHE)/bench.before.txt ]; then \
		$(TOOLS)/benchstat $(CACHE)/bench.before.txt $(CACHE)/bench.txt; \
	else \
		$(TOOLS)/benchstat $(CACHE)/bench.txt; \
	fi

##@ Maintain

.PHONY: lint lint-format lint-code lint-proto
lint: lint-format lint-code lint-proto ## Check formatting, code and protocol definition
lint-format:
	@unformatted=$$(gofmt -l $(MODULES)); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi
lint-code: $(TOOLS)/golangci-lint
	$(TOOLS)/golangci-lint run --allow-serial-runners $(addsuffix /...,$(addprefix ./,$(MODULES)))
lint-proto: $(TOOLS)/buf
	cd sdk && ../$(TOOLS)/buf lint
	cd sdk && ../$(TOOLS)/buf breaking --against proto/baseline.binpb

.PHONY: vuln
vuln: $(TOOLS)/govulncheck ## Check the code that is called for known vulnerabilities
	@.ci/vuln $(MODULES)

.PHONY: generate
generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc build ## Regenerate all generated files
	cd sdk && PATH="$(CURDIR)/$(TOOLS):$$PATH" buf generate
	$(BIN)/doorward docs settings > docs/settings.md
	@for plugin in $(PLUGINS); do \
		.ci/options-table plugins/$$plugin/README.md $(BIN)/plugins/doorward-plugin-$$plugin; \
	done
	@for plugin in oauth2 openid; do \
		.ci/options-table plugins/$$plugin/README.md $(BIN)/plugins/doorward-plugin-$$plugin recipes; \
	done

# The protocol of the last release, with which later versions must be compatible. For the
# first version, it was generated with: make baseline RELEASE=fe62c3a
.PHONY: baseline
baseline: $(TOOLS)/buf ## Set the protocol of RELEASE (a tag) as the baseline for compatibility
	@dir=$$(mktemp -d) && git archive $(RELEASE) sdk | tar -x -C $$dir && \
		$(TOOLS)/buf build $$dir/sdk -o sdk/proto/baseline.binpb && rm -r $$dir

.PHONY: tidy
tidy: ## Run go mod tidy in each module
	@for module in $(MODULES); do echo "go mod tidy in $$module"; (cd $$module && go mod tidy); done

.PHONY: ci
ci: ## Run everything that the CI runs
	@bash .ci/run

.PHONY: clean
clean: ## Remove all built, installed and cached files
	rm -rf $(BIN) $(TOOLS) $(CACHE) host/e2e/op/node_modules host/e2e/as/node_modules host/e2e/axe/node_modules

# Tools are installed into .bin. The name of a stamp file contains the version, so that a
# change of version here causes an installation.
define install_tool
$(TOOLS)/$(1): $(TOOLS)/.$(1)-$(3)
$(TOOLS)/.$(1)-$(3):
	@echo "installing $(1) $(3)"
	@GOBIN=$(CURDIR)/$(TOOLS) GOWORK=off go install $(2)@$(3)
	@rm -f $(TOOLS)/.$(1)-v* && touch $$@
endef
$(eval $(call install_tool,buf,github.com/bufbuild/buf/cmd/buf,$(BUF_VERSION)))
$(eval $(call install_tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION)))
$(eval $(call install_tool,protoc-gen-go,google.golang.org/protobuf/cmd/protoc-gen-go,$(PROTOC_GEN_GO_VERSION)))
$(eval $(call install_tool,protoc-gen-go-grpc,google.golang.org/grpc/cmd/protoc-gen-go-grpc,$(PROTOC_GEN_GO_GRPC_VERSION)))
$(eval $(call install_tool,govulncheck,golang.org/x/vuln/cmd/govulncheck,$(GOVULNCHECK_VERSION)))
$(eval $(call install_tool,benchstat,golang.org/x/perf/cmd/benchstat,$(BENCHSTAT_VERSION)))
