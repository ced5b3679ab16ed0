//! How wide comments may be: rustfmt leaves them as they are.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use super::finding::Finding;
use super::source::SourceFile;
use super::table::COMMENT_COLUMNS;

/// Finds comments that are too wide. Free are tables, and lines that hold an address and would fit without it.
pub(super) fn check(source: &SourceFile) -> Vec<Finding> {
    let wide = |line: &str| line.chars().count() > COMMENT_COLUMNS;
    let mut lines = source.text().lines().zip(1..).filter(|(line, _)| wide(line) && is_breakable(line)).peekable();
    if lines.peek().is_none() {
        return Vec::new();
    }
    let mut within_literals = BTreeSet::new();
    note_literals(source.text().parse().unwrap_or_default(), &mut within_literals);
    let lines = lines.filter(|(_, number)| !within_literals.contains(number));
    let finding = |(line, number): (&str, usize)| {
        let columns = line.chars().count();
        let what = format!("a comment of {columns} columns, which may have {COMMENT_COLUMNS}");
        Finding::new(source.path(), number, what)
    };
    lines.map(finding).collect()
}

/// Whether the line is a comment that could be shorter.
fn is_breakable(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("//") else { return false };
    let text = comment.trim_start_matches(['/', '!']).trim_start();
    let address = text.split_whitespace().find(|word| word.contains("://"));
    let is_wide_without = |address: &str| line.chars().count() - address.chars().count() > COMMENT_COLUMNS;
    !text.starts_with('|') && address.is_none_or(is_wide_without)
}

/// Notes the lines that literals go on to: what looks like a comment there is none.
fn note_literals(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    for token in tokens {
        match token {
            // A doc comment is an attribute with a literal of its text, on its own lines.
            TokenTree::Group(group) => note_literals(group.stream(), lines),
            TokenTree::Literal(literal) => lines.extend(literal.span().start().line + 1..=literal.span().end().line),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let source = SourceFile::parse(Path::new("crates/x/src/a.rs"), text.into()).unwrap();
        check(&source).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn every_kind_of_comment_has_the_same_width() {
        let fits = "ü".repeat(COMMENT_COLUMNS - 8);
        let fitting = format!("//! {fits}\nmod a {{\n    /// {fits}\n    // {fits}\n    fn b() {{}}\n}}\n");
        assert_eq!(lines(&fitting), [0; 0]);
        let wide = format!("//! {fits}12345\nmod a {{\n    /// {fits}1\n    // {fits}12\n    fn b() {{}}\n}}\n");
        assert_eq!(lines(&wide), [1, 3, 4]);
    }

    #[test]
    fn what_cannot_be_broken_and_what_is_no_comment_is_free() {
        let long = "x".repeat(COMMENT_COLUMNS);
        assert_eq!(lines(&format!("/// [a]: https://a.b/{long}\nfn a() {{}}\n")), [0; 0]);
        assert_eq!(lines(&format!("/// https://a.b/ {long}\nfn a() {{}}\n")), [1]);
        assert_eq!(lines(&format!("/// | {long} |\nfn a() {{}}\n")), [0; 0]);
        assert_eq!(lines(&format!("const A: &str = \"\n// {long}\n\";\n")), [0; 0]);
        assert_eq!(lines(&format!("const A: &str = \"{long}\";\n")), [0; 0]);
    }
}
