# One image for every role: `tidings` runs everything in one process, `tidings message` one role.
#
# It needs no BuildKit, which Compose 1.29 does not use with Docker before 23. `cargo xtask test` does not use Docker: it
# executes the final stage itself and starts every role in it (xtask/src/image.rs), so that stage may only contain
# instructions that xtask supports.

FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY . .
# Strips the program; panic messages still contain their location. What the build leaves would stay in the layer.
RUN cargo build --release --locked -p tidings \
    && strip -o /usr/local/bin/tidings target/release/tidings \
    && rm -rf target /usr/local/cargo/registry

FROM debian:bookworm-20250811-slim
# CA certificates for callback servers, hooks and S3 stores.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# The number is fixed because deploy/make-secrets.sh assigns files to it.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tidings \
    && install --directory --owner=tidings --group=tidings --mode=0700 /data /files
COPY --from=build /usr/local/bin/tidings /usr/local/bin/tidings
# Loopback is private to a container, so listeners bind all addresses.
ENV TIDINGS_DATA=/data TIDINGS_LISTEN=0.0.0.0:8080 TIDINGS_GRPC_LISTEN=0.0.0.0:9090
EXPOSE 8080 9090
USER tidings
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 CMD ["tidings", "ready"]
ENTRYPOINT ["tidings"]
