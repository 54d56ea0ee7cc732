# Quire: `make help` lists everything. The two commands that matter: `make demo`, `make test`.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# uv installs the rest; where it is missing it comes from PyPI into a folder of the project.
UV := $(or $(shell command -v uv 2>/dev/null),.local/uv/bin/uv)
RUN := $(UV) run --locked --no-sync
NATIVE := $(RUN) python -m native
PACKAGES := libs/contracts libs/common services/auth services/documents services/ocr-worker \
            services/notifier services/gateway deploy/local

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## Start the suite, read real scans, watch the pages arrive, leave it running
	@$(NATIVE) up
	@$(RUN) python examples/demo.py

.PHONY: test
test: setup clients ## Run all tests against real servers; one of them: make test ARGS="-k upload"
	@$(NATIVE) up --profile test --servers-only
ifdef ARGS
	@$(RUN) pytest $(ARGS)
else
	@$(RUN) pytest -n auto --dist loadfile -m "not campaign" libs services
	@$(RUN) pytest deploy tests
endif

.PHONY: campaign
campaign: setup clients ## Run the long tests that `test` leaves out: uploads cut at every edge, a storage in every trouble
	@$(NATIVE) up --profile test --servers-only
	@$(RUN) pytest -m campaign libs services

# Clients that others have written; what tests them is skipped, with a word, where there is no npm.
.PHONY: clients
clients:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory tests/clients/node_modules/.package-lock.json; else echo "npm is missing: the tests with tus-js-client are skipped"; fi

tests/clients/node_modules/.package-lock.json: tests/clients/package-lock.json
	@cd tests/clients && npm ci --ignore-scripts --no-audit --no-fund --silent

.PHONY: check
check: packages ## Formatting, lint, types, and who may import whom
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@for package in $(PACKAGES); do $(RUN) mypy $$package || exit 1; done
	@$(RUN) mypy examples tests/e2e tests/security bench
	@$(RUN) lint-imports --no-logo

.PHONY: format
format: packages ## Format the code and mend what lint can mend
	@$(RUN) ruff check --fix-only --quiet . ; $(RUN) ruff format .

.PHONY: up
up: setup ## Start the suite and leave it running
	@$(NATIVE) up

.PHONY: down
down: ## Stop everything that `up`, `demo` and `test` have started
	@if [ -x .venv/bin/python ]; then .venv/bin/python -m native down; fi

.PHONY: admin
admin: setup ## Make an administrator, asking for the password: make admin EMAIL=… NAME=…
	@eval "$$($(NATIVE) env auth-worker)" && QUIRE_LOG_LEVEL=WARNING $(RUN) python -m auth create-admin --email "$(EMAIL)" --username "$(NAME)"

.PHONY: status
status: setup ## Show what is running, and where
	@$(NATIVE) status

.PHONY: mail
mail: setup ## Show the mails that the suite has sent here
	@$(NATIVE) mail

.PHONY: setup
setup: packages ## Install what is missing: Python packages here, Debian packages with apt
	@$(NATIVE) setup

.PHONY: packages
packages: $(UV)
	@$(UV) sync --locked --quiet

.local/uv/bin/uv:
	@echo "Installing uv into .local/uv …"
	@python3 -m venv .local/uv || { echo "Python's venv module is missing: apt install python3-venv"; exit 1; }
	@.local/uv/bin/pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'

.PHONY: bench
bench: setup ## Gateway, tokens, logins, lists, search, uploads, each beside what it is compared with (20 min)
	@$(RUN) python bench/gateway_proxy.py
	@$(RUN) python bench/token_verification.py
	@$(NATIVE) up
	@$(RUN) python bench/logins.py
	@$(RUN) python bench/listing.py
	@eval "$$($(NATIVE) env)" && $(RUN) python bench/search.py
	@eval "$$($(NATIVE) env)" && $(RUN) python bench/upload.py 1024
	@eval "$$($(NATIVE) env)" && $(RUN) python bench/upload.py 1024 --protocol tus

.PHONY: bench-ocr
bench-ocr: setup ## How fast and how well pages are read, beside tesseract and OCRmyPDF
	@$(RUN) python bench/ocr_engine.py
	@$(NATIVE) up
	@$(RUN) python bench/reading.py

.PHONY: fresh
fresh: ## Prove that no install step is missing: both commands in a bare Debian 12 (root, long)
	@tests/fresh.sh

.PHONY: clean
clean: down ## Forget all local data, secrets and the virtual environment
	@rm -rf .local .venv
