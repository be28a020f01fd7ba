//! Compiles the .proto files without a protoc binary.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 14] = [
    "tidings/v1/common.proto",
    "tidings/v1/screening.proto",
    "tidings/v1/directory.proto",
    "tidings/v1/group.proto",
    "tidings/v1/change.proto",
    "tidings/v1/message.proto",
    "tidings/v1/conversation.proto",
    "tidings/v1/file.proto",
    "tidings/v1/callback.proto",
    "tidings/v1/realtime.proto",
    "tidings/internal/v1/directory.proto",
    "tidings/internal/v1/message.proto",
    "tidings/internal/v1/conversation.proto",
    "tidings/internal/v1/file.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), prost::Message::encode_to_vec(&descriptors))?;
    // Avoids copying file chunks from one message to the next.
    let chunks = [".tidings.v1.UploadRequest", ".tidings.v1.DownloadResponse", ".tidings.v1.ExportChunk"];
    let chunks = chunks.into_iter().fold(tonic_prost_build::configure(), tonic_prost_build::Builder::bytes);
    chunks.compile_well_known_types(false).compile_fds(descriptors)?;
    Ok(())
}
