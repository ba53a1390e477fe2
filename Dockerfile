# syntax=docker/dockerfile:1
# Two stages: the first builds a virtual environment, the second carries nothing else.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/autoscaler \
 && /opt/autoscaler/bin/pip install --require-hashes --only-binary=:all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY autoscaler autoscaler
COPY policies policies
COPY config config
RUN pip wheel --no-deps --wheel-dir /dist . \
 && /opt/autoscaler/bin/pip install --no-deps /dist/*.whl

FROM python:3.13-slim
# A fixed number, so that a volume can be prepared for it and "runAsNonRoot" can be checked.
RUN useradd --uid 10001 --create-home --home-dir /var/lib/autoscaler autoscaler
COPY --from=build /opt/autoscaler /opt/autoscaler
ENV PATH=/opt/autoscaler/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
# The only place that is written to: run with --read-only and a volume here.
WORKDIR /var/lib/autoscaler
VOLUME /var/lib/autoscaler
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s CMD ["autoscaler", "health"]
ENTRYPOINT ["autoscaler"]
CMD ["run", "--config", "/etc/autoscaler/config.yaml"]
