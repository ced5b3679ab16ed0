//! What may not be written, or only in places named in the table. Looks at tokens, so comments and strings are free.

use std::path::Path;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::finding::Finding;
use super::source::SourceFile;
use super::table::{FEATURE_LINES, NETWORK, SOCKET_TYPES, UNSAFE};

/// Checks one file of the crate named `krate`.
pub(super) fn check(source: &SourceFile, krate: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let sockets_allowed = NETWORK.contains(&krate);
    let unsafe_allowed = UNSAFE.iter().any(|(path, _)| source.path() == Path::new(path));
    walk(tokens(source), &mut |ident, next| {
        let name = ident.to_string();
        let line = ident.span().start().line;
        let what = match name.as_str() {
            "unsafe" | "unsafe_code" if !unsafe_allowed => {
                "unsafe code stands only in files that tidy's table names, each with its reason".to_owned()
            }
            "todo" | "unimplemented" if next.is_some_and(is_bang) => format!("no `{name}!`: write it or leave it out"),
            "ignore" if stands_in_attribute(source, line) => "no ignored test: it runs, or it goes".to_owned(),
            _ if SOCKET_TYPES.contains(&name.as_str()) && !sockets_allowed && !source.is_test_line(line) => {
                format!("`{name}`: only peregrine-transport opens sockets")
            }
            _ => return,
        };
        findings.push(Finding::new(source.path(), line, what));
    });
    findings
}

/// Where features change what is compiled, a place for each line.
pub(super) fn feature_lines(source: &SourceFile) -> Vec<Finding> {
    let mut lines = Vec::new();
    let tokens = tokens(source);
    find_cfg(tokens, &mut |line| {
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    });
    lines.into_iter().map(|line| Finding::new(source.path(), line, "a feature changes this line")).collect()
}

/// Holds the workspace to its number of feature lines.
pub(super) fn check_feature_count(lines: &[Finding]) -> Option<Finding> {
    let place = lines.get(FEATURE_LINES)?;
    let what = format!("{} lines with `cfg(feature)` in the workspace, which may have {FEATURE_LINES}", lines.len());
    Some(Finding::new(&place.path, place.line, what))
}

/// Finds lines of the unsafe table that no file needs any more.
pub(super) fn check_unsafe_list<'a>(sources: impl Iterator<Item = &'a SourceFile>) -> Vec<Finding> {
    let mut unused: Vec<&str> = UNSAFE.iter().map(|(path, _)| *path).collect();
    for source in sources {
        let mut uses = false;
        walk(tokens(source), &mut |ident, _| uses |= ident == "unsafe");
        unused.retain(|path| !uses || source.path() != Path::new(path));
    }
    let table = Path::new("xtask/src/tidy/table.rs");
    unused
        .iter()
        .map(|path| Finding::new(table, 1, format!("{path} has no unsafe code: take it off the list")))
        .collect()
}

fn tokens(source: &SourceFile) -> TokenStream {
    // A file that syn has parsed is made of tokens.
    source.text().parse().unwrap_or_default()
}

/// Shows every identifier, with the token after it.
fn walk(tokens: TokenStream, see: &mut impl FnMut(&Ident, Option<&TokenTree>)) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) => see(&ident, tokens.peek()),
            TokenTree::Group(group) => walk(group.stream(), see),
            _ => {}
        }
    }
}

/// Finds `cfg(..)`, `cfg!(..)` and `cfg_attr(..)` that name a feature.
fn find_cfg(tokens: TokenStream, see: &mut impl FnMut(usize)) {
    let mut after_cfg = None;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "cfg" || ident == "cfg_attr" => {
                after_cfg = Some(ident.span().start().line);
            }
            TokenTree::Punct(punct) if punct.as_char() == '!' => {}
            TokenTree::Group(group) => {
                let line = after_cfg.take().filter(|_| group.delimiter() == Delimiter::Parenthesis);
                match line {
                    Some(line) => {
                        let mut named = false;
                        walk(group.stream(), &mut |ident, next| {
                            named |= ident == "feature" && next.is_some_and(is_equals)
                        });
                        if named {
                            see(line);
                        }
                    }
                    None => find_cfg(group.stream(), see),
                }
            }
            _ => after_cfg = None,
        }
    }
}

fn is_bang(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '!')
}

fn is_equals(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=')
}

/// Whether the line is an attribute that can hold `ignore`, and not code that uses the word as a name.
fn stands_in_attribute(source: &SourceFile, line: usize) -> bool {
    let text = source.text().lines().nth(line - 1).unwrap_or_default().trim_start();
    text.starts_with("#[ignore") || (text.starts_with("#[cfg_attr") && text.contains("ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> SourceFile {
        SourceFile::parse(Path::new("crates/peregrine-ipc/src/a.rs"), text.into()).unwrap()
    }

    fn lines(text: &str) -> Vec<usize> {
        check(&source(text), "peregrine-ipc").iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn unsafe_code_and_its_permission_are_found_where_they_are_code() {
        let text = "//! unsafe\nconst A: &str = \"unsafe\";\n#[expect(unsafe_code)]\nfn a() { unsafe { b() } }\n";
        assert_eq!(lines(text), [3, 4]);
    }

    #[test]
    fn unfinished_code_and_ignored_tests() {
        assert_eq!(lines("fn a() { todo!() }\nfn b() { std::unimplemented!(\"x\") }\nfn unimplemented() {}\n"), [1, 2]);
        assert_eq!(lines("#[test]\n#[ignore = \"slow\"]\nfn a() { let ignore = 1; }\n"), [2]);
    }

    #[test]
    fn sockets_belong_to_the_transport() {
        let text = "use std::net::TcpStream;\n#[cfg(test)]\nmod tests { use std::net::TcpListener; }\n";
        assert_eq!(lines(text), [1]);
        assert!(check(&source(text), "peregrine-transport").is_empty());
    }

    #[test]
    fn feature_lines_are_counted_once_each() {
        let text = "#[cfg(feature = \"a\")]\nfn a() {}\n#[cfg(all(test, feature = \"b\"))]\nfn b() { if cfg!(feature = \"c\") \
                    {} }\n#[cfg(test)]\nfn feature() {}\n#[cfg_attr(feature = \"d\", derive(Debug))]\nstruct D;\n";
        let found: Vec<usize> = feature_lines(&source(text)).iter().map(|finding| finding.line).collect();
        assert_eq!(found, [1, 3, 4, 7]);
    }

    #[test]
    fn the_count_of_feature_lines_has_an_end() {
        let line = Finding::new(Path::new("a.rs"), 1, "a feature");
        assert_eq!(check_feature_count(&vec![line.clone(); FEATURE_LINES]), None);
        assert!(check_feature_count(&vec![line; FEATURE_LINES + 1]).is_some());
    }
}
