//! URIs as RFC 3986 has them, as far as a location needs: text to target, and parts to text.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use super::target::Target;

/// Why a text is no URI of a location; a clause that follows a colon.
pub(super) type Reason = &'static str;

/// What a URI says, and up to where letter case does not count in it.
pub(super) fn parse(uri: &str) -> Result<(Target, usize), Reason> {
    let scheme_length = uri.find(':').ok_or("it has no scheme")?;
    let (scheme, rest) = (&uri[..scheme_length], &uri[scheme_length + 1..]);
    check_scheme(scheme)?;
    check_characters(rest)?;
    let target = match scheme.to_ascii_lowercase().as_str() {
        "grpc" | "grpc+tcp" => return parse_tcp(false, scheme_length, rest),
        "grpc+tls" => return parse_tcp(true, scheme_length, rest),
        "grpc+unix" => Target::Unix(parse_unix(rest)?),
        "arrow-flight-reuse-connection" => Target::ReuseConnection,
        _ => Target::Other,
    };
    Ok((target, scheme_length))
}

fn check_scheme(scheme: &str) -> Result<(), Reason> {
    let mut bytes = scheme.bytes();
    if !bytes.next().is_some_and(|first| first.is_ascii_alphabetic()) {
        return Err("its scheme does not begin with a letter");
    }
    if !bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
        return Err("its scheme has a character that schemes may not have");
    }
    Ok(())
}

fn check_characters(rest: &str) -> Result<(), Reason> {
    let bytes = rest.as_bytes();
    for (index, &byte) in bytes.iter().enumerate() {
        if byte == b'%' && !bytes.get(index + 1..index + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
            return Err("'%' is not followed by two hexadecimal digits");
        }
        if !byte.is_ascii_graphic() || b"\"<>\\^`{|}".contains(&byte) {
            return Err("it has a character that must be percent-encoded");
        }
    }
    Ok(())
}

fn parse_tcp(tls: bool, scheme_length: usize, rest: &str) -> Result<(Target, usize), Reason> {
    let after_slashes = rest.strip_prefix("//").ok_or("'//' and a host must follow the scheme")?;
    let authority = &after_slashes[..after_slashes.find(['/', '?', '#']).unwrap_or(after_slashes.len())];
    let (user, host_and_port) = match authority.rsplit_once('@') {
        Some((user, host_and_port)) => (Some(user), host_and_port),
        None => (None, authority),
    };
    let (host, port) = split_port(host_and_port)?;
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().map_err(|_| "its port is above 65535")?)
        }
        Some(_) => return Err("its port is not a number"),
        None => None,
    };
    // The name and the password of a user are told apart by case.
    let caseless = scheme_length + if user.is_some() { 0 } else { "://".len() + authority.len() };
    Ok((Target::Tcp { tls, host: parse_host(host)?, port }, caseless))
}

/// Host, brackets included, and port, if there is one that is not empty.
fn split_port(text: &str) -> Result<(&str, Option<&str>), Reason> {
    let host_length = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.find(']').ok_or("its '[' is not closed")? + 2,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(host_length);
    match port.strip_prefix(':') {
        Some("") => Ok((host, None)),
        Some(port) => Ok((host, Some(port))),
        None if port.is_empty() => Ok((host, None)),
        None => Err("its ']' is not followed by a port"),
    }
}

fn parse_host(host: &str) -> Result<Option<String>, Reason> {
    if let Some(bracketed) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        // RFC 6874: a zone follows the address after an encoded '%'.
        let (address, zone) = match bracketed.split_once("%25") {
            Some((address, zone)) => (address, Some(zone)),
            None => (bracketed, None),
        };
        address.parse::<Ipv6Addr>().map_err(|_| "its host in brackets is not an IPv6 address")?;
        return Ok(Some(match zone {
            Some(zone) => format!("{address}%{}", decode_text(zone)?),
            None => address.to_owned(),
        }));
    }
    if host.contains(['[', ']']) {
        return Err("its host has a bracket in it");
    }
    if host.is_empty() { Ok(None) } else { decode_text(host).map(Some) }
}

fn parse_unix(rest: &str) -> Result<PathBuf, Reason> {
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err("an absolute path must follow 'grpc+unix://'"),
        None => rest,
    };
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    if path.is_empty() {
        return Err("it has no path");
    }
    let bytes = decode(path);
    if bytes.contains(&0) {
        return Err("its path has a zero byte");
    }
    path_from_bytes(bytes)
}

/// Undoes percent-encoding, which [`check_characters`] has checked.
fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'%', [high, low, after @ ..]) => {
                decoded.push(hex_value(*high) << 4 | hex_value(*low));
                rest = after;
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

fn decode_text(text: &str) -> Result<String, Reason> {
    String::from_utf8(decode(text)).map_err(|_| "its host is not UTF-8")
}

#[cfg(unix)]
fn path_from_bytes(bytes: Vec<u8>) -> Result<PathBuf, Reason> {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(not(unix))]
fn path_from_bytes(bytes: Vec<u8>) -> Result<PathBuf, Reason> {
    String::from_utf8(bytes).map(PathBuf::from).map_err(|_| "its path is not UTF-8")
}

/// A host as a URI has it: an IPv6 address in brackets, anything unusual percent-encoded.
pub(super) fn encode_host(host: &str) -> String {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let (address, zone) = match bare.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (bare, None),
    };
    // A zone has a name, or it is none and the text no address.
    if address.parse::<Ipv6Addr>().is_err() || zone == Some("") {
        return encode(host.as_bytes(), b"");
    }
    match zone {
        Some(zone) => format!("[{address}%25{}]", encode(zone.as_bytes(), b"")),
        None => format!("[{address}]"),
    }
}

/// A path as a URI has it.
pub(super) fn encode_path(path: &Path) -> String {
    encode(path.as_os_str().as_encoded_bytes(), b"/")
}

fn encode(bytes: &[u8], also_plain: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also_plain.contains(&byte) {
            text.push(byte.into());
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
