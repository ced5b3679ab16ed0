//! How long files, functions, crate roots and inline tests may be.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{ImplItemFn, ItemFn, TraitItemFn};

use super::finding::Finding;
use super::source::SourceFile;
use super::table::{FILE_LINES, FUNCTION_LINES, INLINE_TEST_LINES, ROOT_CODE_LINES};

/// Holds one file to all budgets.
pub(super) fn check(source: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = source.text().lines().count();
    let code = (1..=lines).filter(|line| !source.is_test_line(*line)).count();
    if code > FILE_LINES {
        let what = format!("{code} lines beside tests, and a file may have {FILE_LINES}: split it by what it is for");
        findings.push(Finding::new(source.path(), 1, what));
    }
    if source.is_crate_root() {
        let code = root_code_lines(source);
        if code > ROOT_CODE_LINES {
            let what = format!("{code} lines of code in a crate root, which may have {ROOT_CODE_LINES}");
            findings.push(Finding::new(source.path(), 1, what));
        }
    }
    for tests in source.inline_tests() {
        let length = tests.end() - tests.start() + 1;
        if length > INLINE_TEST_LINES {
            let what = format!("{length} lines of tests: over {INLINE_TEST_LINES} they live in a sibling `tests.rs`");
            findings.push(Finding::new(source.path(), *tests.start(), what));
        }
    }
    let mut functions = Functions { source, findings };
    functions.visit_file(source.syntax());
    functions.findings
}

fn root_code_lines(source: &SourceFile) -> usize {
    let lines = source.text().lines().map(str::trim).zip(1..);
    lines.filter(|(line, number)| !line.is_empty() && !line.starts_with("//") && !source.is_test_line(*number)).count()
}

/// Measures each function on its way through a file.
struct Functions<'a> {
    source: &'a SourceFile,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, name: &syn::Ident, start: Span, end: Span) {
        let first = start.start().line;
        let length = end.end().line + 1 - first;
        if length > FUNCTION_LINES {
            let what = format!("`{name}` has {length} lines, and a function may have {FUNCTION_LINES}");
            self.findings.push(Finding::new(self.source.path(), first, what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig.ident, function.sig.span(), function.block.span());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig.ident, function.sig.span(), function.block.span());
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig.ident, function.sig.span(), block.span());
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn findings(path: &str, text: String) -> Vec<String> {
        let source = SourceFile::parse(Path::new(path), text).unwrap();
        check(&source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_long_function_is_named_with_its_line() {
        let body = "    let _ = 1;\n".repeat(59);
        let text = format!("//! A file.\nstruct A;\nimpl A {{\nfn long() {{\n{body}}}\n}}\n");
        let found = findings("crates/x/src/a.rs", text);
        assert_eq!(found, ["crates/x/src/a.rs:4: `long` has 61 lines, and a function may have 60"]);
        let body = "    let _ = 1;\n".repeat(58);
        assert!(findings("crates/x/src/a.rs", format!("fn just_right() {{\n{body}}}\n")).is_empty());
    }

    #[test]
    fn tests_do_not_count_for_the_file_but_have_a_budget_of_their_own() {
        let tests = "    const A: u8 = 1;\n".repeat(401);
        let text = format!("//! A file.\n#[cfg(test)]\nmod tests {{\n{tests}}}\n");
        let found = findings("crates/x/src/a.rs", text);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/x/src/a.rs:2: 404 lines of tests"), "{found:?}");
        assert!(findings("crates/x/src/a/tests.rs", format!("//! A file.\n{tests}")).is_empty());
    }

    #[test]
    fn a_file_over_its_budget() {
        let found = findings("crates/x/src/a.rs", "//! A line.\n".repeat(401));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(findings("crates/x/src/a.rs", "//! A line.\n".repeat(400)).is_empty());
    }

    #[test]
    fn comments_and_blank_lines_of_a_root_are_free() {
        let text = |items: usize| format!("//! A crate.\n\n{}", "// Why.\nmod a;\n".repeat(items));
        assert!(findings("crates/x/src/lib.rs", text(60)).is_empty());
        assert_eq!(findings("crates/x/src/lib.rs", text(61)).len(), 1);
        assert!(findings("crates/x/src/other.rs", text(61)).is_empty());
    }
}
