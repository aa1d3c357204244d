# wirecopy as a service. Everything comes from the image registry and the package index; nothing is compiled here.
#
#   docker build -t wirecopy .
#   docker run -p 8080:8080 -v wirecopy-data:/data -v "$PWD/wirecopy.yaml:/etc/wirecopy.yaml:ro" wirecopy
#
# It listens on all addresses of its container, so wirecopy.yaml must hold keys (auth.keys); to try it without:
#
#   docker run -p 127.0.0.1:8080:8080 wirecopy serve --host 0.0.0.0 --data /data --allow-anonymous

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY service ./service
RUN python -m venv /opt/wirecopy && /opt/wirecopy/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim
COPY --from=build /opt/wirecopy /opt/wirecopy
# The compiled core is kept between starts, for the processor it was compiled for; the first start takes a minute or two.
ENV PATH=/opt/wirecopy/bin:$PATH PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/data/.kernels
RUN useradd --system --uid 10001 --no-create-home wirecopy && install -d -o wirecopy /data
USER wirecopy
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
ENTRYPOINT ["wirecopy"]
CMD ["serve", "--config", "/etc/wirecopy.yaml", "--host", "0.0.0.0", "--data", "/data"]
