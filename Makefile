# bellwether: `make triage` builds the binary and triages this host, `make test` passes the tests. `make help` lists the rest.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
BUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)"
SYSTEMS := linux/amd64 linux/arm64 windows/amd64 windows/arm64
TOOLS   ?= $(CURDIR)/.cache/tools

# Tools that are built from source, pinned; none of them is part of the binary.
GOLANGCI_LINT := v2.15.0
FUZZTIME      ?= 30s
TESTFLAGS     ?=

export BELLWETHER_TOOLS = $(TOOLS)

.DEFAULT_GOAL := help
.PHONY: help build triage test test-hosts lint cross tidy fuzz bench release docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the binary for this machine: ./bellwether
	$(BUILD) -o bellwether ./agent

triage: build ## build, then triage this host into ./incidents
	./bellwether collect --incident triage --to incidents

test: ## all tests, with real servers that are built into .cache/tools (pinned)
	$(GO) test -timeout 20m $(TESTFLAGS) ./...

test-hosts: $(TOOLS)/hosts/bookworm ## triage booted test hosts: as Debian makes them, and with a break-in planted (root, debootstrap, systemd-nspawn)
	BELLWETHER_HOST_ROOT=$< $(GO) test -tags hosts -count=1 $(TESTFLAGS) ./testhosts

$(TOOLS)/hosts/bookworm:
	@command -v debootstrap > /dev/null && command -v systemd-nspawn > /dev/null || apt-get install -y -qq debootstrap systemd-container > /dev/null
	rm -rf $@.part && testhosts/host.sh make $@.part && mv $@.part $@

lint: $(TOOLS)/golangci-lint-$(GOLANGCI_LINT) ## gofmt, vet and golangci-lint
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }
	GOOS=linux $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	$< run ./...

$(TOOLS)/golangci-lint-$(GOLANGCI_LINT):
	mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) GOFLAGS= $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
	mv $(TOOLS)/golangci-lint $@

cross: ## build for linux and windows on amd64 and arm64, at most 25 MB each
	@mkdir -p dist
	@for s in $(SYSTEMS); do \
		os=$${s%/*}; arch=$${s#*/}; out=dist/bellwether-$$os-$$arch; [ $$os = windows ] && out=$$out.exe; \
		GOOS=$$os GOARCH=$$arch $(BUILD) -o $$out ./agent || exit 1; \
		size=$$(wc -c < $$out); echo "$$out $$size"; \
		[ $$size -le 25000000 ] || { echo "$$out is larger than 25 MB"; exit 1; }; \
	done

tidy: ## fail if go.mod or go.sum are not as `go mod tidy` would have them
	$(GO) mod tidy -diff

fuzz: ## every fuzz target for FUZZTIME each (default 30s)
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

bench: build ## what a run, a scan and a triage cost, side by side with other tools
	bench/spine.sh
	bench/tap.sh
	bench/keep.sh
	bench/scan.sh -q
	bench/triage.sh 1
	@if command -v nginx && command -v wrk; then bench/impact.sh; else echo "left out: what a run costs a web server (needs nginx and wrk)"; fi

release: cross ## the binaries with their checksums in dist
	cd dist && sha256sum bellwether-* > SHA256SUMS && cat SHA256SUMS

docs: ## write docs/commands.md, docs/anomalies.md and the tables in docs/profiles.md anew
	$(GO) test ./agent ./profiles ./collectors/anomaly -run 'Docs|Manual' -update

clean: ## remove what make has made, but no incident
	rm -rf bellwether bellwether.exe dist .cache
