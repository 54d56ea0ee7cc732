# One image for every service: docker build --build-arg SERVICE=documents .
# The folder is services/$SERVICE; the module has underscores where the folder has hyphens.
ARG PYTHON=3.15

FROM python:${PYTHON}-slim-trixie AS build
ARG SERVICE
RUN pip install --no-cache-dir "uv>=0.13,<0.14"
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/opt/quire UV_PYTHON_DOWNLOADS=never
WORKDIR /src
# The third-party packages first: their layer stays while our own code changes.
COPY pyproject.toml uv.lock ./
COPY libs/contracts/pyproject.toml libs/contracts/
COPY libs/common/pyproject.toml libs/common/
COPY deploy/local/pyproject.toml deploy/local/
COPY services/auth/pyproject.toml services/auth/
COPY services/documents/pyproject.toml services/documents/
COPY services/gateway/pyproject.toml services/gateway/
COPY services/notifier/pyproject.toml services/notifier/
COPY services/ocr-worker/pyproject.toml services/ocr-worker/
RUN uv sync --locked --no-dev --no-install-workspace --package "quire-${SERVICE}"
COPY libs libs
COPY services services
COPY deploy/local deploy/local
RUN uv sync --locked --no-dev --no-editable --package "quire-${SERVICE}"

FROM python:${PYTHON}-slim-trixie AS runtime
ARG SERVICE
# Only the worker opens documents, so only its image has the engine.
# hadolint ignore=DL3008
RUN if [ "${SERVICE}" = "ocr-worker" ]; then \
        apt-get update && apt-get install -y --no-install-recommends \
            tesseract-ocr tesseract-ocr-ara tesseract-ocr-deu tesseract-ocr-eng \
            tesseract-ocr-fra tesseract-ocr-osd \
        && rm -rf /var/lib/apt/lists/*; \
    fi
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent quire
COPY --from=build /opt/quire /opt/quire
ENV PATH=/opt/quire/bin:$PATH PYTHONUNBUFFERED=1 QUIRE_HOST=0.0.0.0 QUIRE_PORT=8000 SERVICE=${SERVICE}
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
# `exec`, so that the service itself gets SIGTERM; the role (api, worker, migrate) is the command.
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"$(echo ${SERVICE} | tr - _)\" \"$0\""]
CMD ["api"]
