//! `cargo xtask codegen`: Rust messages and the descriptor set from `proto/`, checked in so that no user needs a
//! protobuf compiler. `--check` changes nothing and fails if what is checked in is not what would be made.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// The first line of every text file that is made here.
const HEADER: &str = "// Made by `cargo xtask codegen` from proto/*.proto. Do not edit.";

const MODULE: &str = r#"//! The messages of `proto/`, as prost makes them. Private: our own types stand in the public API.

#![allow(missing_docs, unreachable_pub, unnameable_types, dead_code)]
#![allow(clippy::all, rustdoc::all)]

#[rustfmt::skip]
pub(crate) mod flight;
#[cfg(any(test, feature = "sql"))]
#[rustfmt::skip]
pub mod flight_sql;

/// The descriptors of all files and of what they import, serialized.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("descriptor_set.bin");
"#;

/// Makes the generated files, or, with `check`, compares them with those that are there.
pub(crate) fn run(workspace: &Workspace, check: bool) -> Result<()> {
    let folder = workspace.root().join("crates/peregrine-proto/src/generated");
    for (name, content) in generate(workspace)? {
        let path = folder.join(name);
        if check {
            compare(&path, &content)?;
        } else {
            fs::create_dir_all(&folder)?;
            fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

/// All files by name, as they should be.
fn generate(workspace: &Workspace) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let proto = workspace.root().join("proto");
    let mut compiler = protox::Compiler::new([&proto])?;
    compiler.include_imports(true).include_source_info(true).open_files(["Flight.proto", "FlightSql.proto"])?;
    let with_comments = compiler.file_descriptor_set();
    compiler.include_source_info(false);
    let descriptors = compiler.encode_file_descriptor_set();

    let scratch = Scratch::new(workspace)?;
    prost_build::Config::new().bytes(["."]).btree_map(["."]).out_dir(&scratch.0).compile_fds(with_comments)?;
    let rust = |file: &str| -> Result<Vec<u8>> {
        let code = fs::read_to_string(scratch.0.join(file)).with_context(|| format!("prost made no {file}"))?;
        Ok(format!("{HEADER}\n{code}").into_bytes())
    };
    Ok(vec![
        ("mod.rs", format!("{HEADER}\n{MODULE}").into_bytes()),
        ("flight.rs", rust("arrow.flight.protocol.rs")?),
        ("flight_sql.rs", rust("arrow.flight.protocol.sql.rs")?),
        ("descriptor_set.bin", descriptors),
    ])
}

fn compare(path: &Path, expected: &[u8]) -> Result<()> {
    let found = fs::read(path).with_context(|| format!("{} is missing: run `cargo xtask codegen`", path.display()))?;
    if found != expected {
        bail!("{} is not what proto/ makes: run `cargo xtask codegen`", path.display());
    }
    Ok(())
}

/// A folder of this process below the target folder, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(workspace: &Workspace) -> Result<Self> {
        workspace.scratch(&format!("codegen-{}", std::process::id())).map(Self)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Left behind it does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}
