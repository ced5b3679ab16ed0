//! What tidy holds the workspace to: every list and number in one file.

/// The floors of the house. A crate may depend on crates of a lower floor and on no others.
pub(super) const FLOORS: &[(&str, u8)] = &[
    ("peregrine-proto", 1),
    ("peregrine-auth", 2),
    ("peregrine-ipc", 2),
    ("peregrine-middleware", 2),
    ("peregrine-transport", 2),
    ("peregrine-stream", 3),
    ("peregrine-client", 4),
    ("peregrine-server", 4),
    ("peregrine-sql", 5),
    ("peregrine-testkit", 6),
    ("peregrine", 7),
    ("peregrine-cli", 8),
    ("examples", 9),
    ("fuzz", 9),
    ("integration-tests", 9),
    ("xtask", 9),
];

/// What every crate may use for its own tests, though it stands above them.
pub(super) const TESTKIT: &str = "peregrine-testkit";

/// Depends on no crate of the workspace, so that it builds when they do not.
pub(super) const STANDS_ALONE: &str = "xtask";

/// Packages that are a workspace of their own, and why: the rules for manifests do not hold there.
pub(super) const OWN_WORKSPACES: &[(&str, &str)] = &[("fuzz", "cargo-fuzz needs a nightly compiler")];

/// Lines of a file, its tests left out.
pub(super) const FILE_LINES: usize = 400;
/// Lines of a function, from its name to its closing brace.
pub(super) const FUNCTION_LINES: usize = 60;
/// Lines of code in a crate's `lib.rs` or `main.rs`.
pub(super) const ROOT_CODE_LINES: usize = 60;
/// Lines of tests that may stand in the file that they test.
pub(super) const INLINE_TEST_LINES: usize = 200;
/// Columns of a line that is a comment, its indentation included.
pub(super) const COMMENT_COLUMNS: usize = 122;
/// Lines with `cfg(feature = ..)` in the whole workspace.
pub(super) const FEATURE_LINES: usize = 14;

/// Where `unsafe` may be written, and why.
pub(super) const UNSAFE: &[(&str, &str)] = &[
    ("crates/peregrine-ipc/src/decode/unvalidated.rs", "the constructor that opts out of the validation of values"),
    (
        "crates/peregrine-ipc/src/decode/trust.rs",
        "arrays of values that were just checked, faster than arrow checks them; and what opts out of the check",
    ),
    ("fuzz/targets/src/bin/fuzz/counting.rs", "an allocator that counts, which is an unsafe trait"),
    ("integration-tests/tests/codec/messages.rs", "calls that constructor on messages that it just wrote"),
    ("crates/peregrine-transport/src/allocator.rs", "the hint to the allocator, which is a C function"),
];

/// Dependencies that only some crates may name. A trailing `*` stands for any ending.
pub(super) const FOREIGN: &[(&str, &[&str])] = &[
    ("h2", NETWORK),
    ("hyper*", NETWORK),
    ("rustls*", NETWORK),
    ("tokio-rustls", NETWORK),
    ("socket2", NETWORK),
    (
        "tonic*",
        &["peregrine-transport", "peregrine-proto", "peregrine-server", "peregrine-testkit", "integration-tests"],
    ),
];

/// Who may open sockets: the transport, and the tools that need raw bytes.
pub(super) const NETWORK: &[&str] =
    &["peregrine-transport", "peregrine-testkit", "integration-tests", "fuzz", "xtask", "examples"];

/// Types that are sockets, wherever they come from.
pub(super) const SOCKET_TYPES: &[&str] =
    &["TcpListener", "TcpSocket", "TcpStream", "UdpSocket", "UnixListener", "UnixSocket", "UnixStream"];

/// What may stand at the top beside files and folders that begin with a dot.
pub(super) const TOP_LEVEL: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "crates",
    "deny.toml",
    "deploy",
    "docs",
    "examples",
    "fuzz",
    "integration-tests",
    "proto",
    "target",
    "xtask",
];

/// Words that say nothing about what a file is for.
pub(super) const EMPTY_WORDS: &[&str] = &["common", "helper", "helpers", "manager", "util", "utils"];
