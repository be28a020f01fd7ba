# One image for every role: `tidings` runs everything in one process, `tidings message` one role.
#
# Downloaded crates and compiled dependencies stay in BuildKit's cache between builds, so a change of our own sources
# compiles our own crates only. `cargo xtask test` has no Docker: it carries out the final stage by hand and starts every
# role in it (xtask/src/image.rs), so that stage has instructions that it knows only.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Without symbols the program is; where a panic came from is in its message all the same.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked -p tidings \
    && strip -o /usr/local/bin/tidings target/release/tidings

FROM debian:bookworm-slim
# Certificates to check callback servers, hooks and S3 stores by.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
# The number is fixed because deploy/make-secrets.sh gives files to it.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin tidings \
    && install --directory --owner=tidings --group=tidings --mode=0700 /data /files
COPY --from=build /usr/local/bin/tidings /usr/local/bin/tidings
# A container's loopback is its own: what is to be reached from outside listens everywhere in it.
ENV TIDINGS_DATA=/data TIDINGS_LISTEN=0.0.0.0:8080 TIDINGS_GRPC_LISTEN=0.0.0.0:9090
EXPOSE 8080 9090
USER tidings
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 CMD ["tidings", "ready"]
ENTRYPOINT ["tidings"]
