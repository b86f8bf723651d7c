# One image for every process of the site; docker-compose.yml says which runs where.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app
COPY requirements.lock ./
# Everything comes as wheels; torch brings what it needs for NVIDIA devices and runs without them as well.
RUN python -m pip install -r requirements.lock

COPY manage.py ./
COPY miniconf miniconf
COPY papers papers
COPY chat chat
COPY demos demos
COPY templates templates
COPY static static
COPY sample sample

# Style sheets, scripts and images are part of the image, so that every web process has the same.
ENV STATIC_ROOT=/app/collected
RUN SECRET_KEY=only-while-building MINICONF_DATA=/tmp/build python manage.py collectstatic --noinput && rm -r /tmp/build

# Nothing runs as root; only the data folder can be written.
RUN useradd --uid 10001 --create-home miniconf && mkdir /data && chown miniconf:miniconf /data
USER miniconf
ENV MINICONF_DATA=/data HOST=0.0.0.0 PORT=8000
VOLUME /data
EXPOSE 8000

CMD ["python", "-m", "uvicorn", "miniconf.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--loop", "uvloop", "--http", "httptools", \
     "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", "131072", \
     "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "2"]
