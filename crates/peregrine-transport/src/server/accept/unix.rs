//! A unix socket and its file.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};

use peregrine_proto::PeerAddress;
use tokio::net::UnixListener;

use super::path_authority::PathAuthority;
use super::{Accept, Accepting};
use crate::io::Io;
use crate::listen_address::ListenAddress;

/// A listening unix socket that removes its file at the end.
pub(super) struct UnixAccept {
    listener: UnixListener,
    path: PathBuf,
    file: Option<FileIdentity>,
}

/// Tells our socket file from one that another process put in its place.
type FileIdentity = (u64, u64);

impl UnixAccept {
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
                fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            bound => bound?,
        };
        Ok(Self { listener, path: path.to_owned(), file: identity(path) })
    }
}

impl Accept for UnixAccept {
    fn accept(&mut self) -> Accepting<'_> {
        Box::pin(async {
            let (stream, _) = self.listener.accept().await?;
            Ok((Box::new(PathAuthority::new(stream)) as Box<dyn Io>, PeerAddress::Unix))
        })
    }

    fn local_addr(&self) -> ListenAddress {
        ListenAddress::Unix(self.path.clone())
    }
}

impl Drop for UnixAccept {
    fn drop(&mut self) {
        if self.file.is_some() && identity(&self.path) == self.file {
            // Nothing can be done about a file that cannot be removed; the next server will find it stale.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> Option<FileIdentity> {
    let file = fs::symlink_metadata(path).ok()?;
    file.file_type().is_socket().then(|| (file.dev(), file.ino()))
}

/// Whether the path is a socket on which nobody listens.
fn is_stale(path: &Path) -> bool {
    if identity(path).is_none() {
        return false;
    }
    match BlockingUnixStream::connect(path) {
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
    }
}
