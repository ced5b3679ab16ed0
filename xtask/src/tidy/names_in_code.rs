//! The paths that code names: in types, expressions, patterns, and among the tokens of macros.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemConst, ImplItemFn, Item, ItemMacro, ItemUse, Macro, PatIdent, Path, TypeParam};

use super::source::{is_for_tests, is_test_item};

/// A path in code and its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

/// The paths that an item names, but for names of the item's own: variables, parameters, items within functions.
pub(super) fn of_item(item: &Item) -> Vec<Name> {
    let mut locals = Locals::default();
    locals.visit_item(item);
    let mut names = Names::default();
    names.visit_item(item);
    names.found.retain(|name| name.path.len() > 1 || !locals.0.contains(&name.path[0]));
    names.found
}

#[derive(Default)]
struct Names {
    found: Vec<Name>,
}

impl Names {
    fn add(&mut self, path: Vec<String>, line: usize) {
        // `Self` is what the block around it names.
        if path.first().is_some_and(|first| first != "Self") {
            self.found.push(Name { path, line });
        }
    }

    /// Paths among tokens: not what follows a dot, and not variables of a macro.
    fn walk(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut before = ' ';
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) => {
                    let line = ident.span().start().line;
                    let mut path = vec![ident.to_string()];
                    while let Some(part) = next_part(&mut tokens) {
                        path.push(part);
                    }
                    let is_crate = before == '$' && path[0] == "crate";
                    if is_crate || !matches!(before, '.' | '$' | '\'') {
                        self.add(path, line);
                    }
                    before = ' ';
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream());
                    before = ' ';
                }
                TokenTree::Punct(punct) => {
                    // `..name` is a path again.
                    before = if punct.as_char() == '.' && before == '.' { ' ' } else { punct.as_char() };
                }
                TokenTree::Literal(_) => before = ' ',
            }
        }
    }
}

/// `::` and an identifier, taken off the tokens.
fn next_part(tokens: &mut std::iter::Peekable<proc_macro2::token_stream::IntoIter>) -> Option<String> {
    let mut ahead = tokens.clone();
    for _ in 0..2 {
        ahead.next().filter(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':'))?;
    }
    match ahead.next() {
        Some(TokenTree::Ident(part)) => {
            *tokens = ahead;
            Some(part.to_string())
        }
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item_use(&mut self, _: &'ast ItemUse) {}

    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_impl_item_const(&mut self, constant: &'ast ImplItemConst) {
        if !is_for_tests(&constant.attrs) {
            visit::visit_impl_item_const(self, constant);
        }
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            let parts: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
            self.add(parts, line);
        }
        visit::visit_path(self, path);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        // A constant looks like a variable here.
        if begins_upper(&pattern.ident.to_string()) {
            self.add(vec![pattern.ident.to_string()], pattern.ident.span().start().line);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, invocation: &'ast Macro) {
        self.visit_path(&invocation.path);
        self.walk(invocation.tokens.clone());
    }

    fn visit_item_macro(&mut self, item: &'ast ItemMacro) {
        match &item.ident {
            // A definition.
            Some(_) => self.walk(item.mac.tokens.clone()),
            None => self.visit_macro(&item.mac),
        }
    }
}

/// Names that belong to an item alone.
#[derive(Default)]
struct Locals(BTreeSet<String>);

impl<'ast> Visit<'ast> for Locals {
    fn visit_pat_ident(&mut self, pattern: &'ast PatIdent) {
        let name = pattern.ident.to_string();
        if !begins_upper(&name) {
            self.0.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_type_param(&mut self, parameter: &'ast TypeParam) {
        self.0.insert(parameter.ident.to_string());
        visit::visit_type_param(self, parameter);
    }

    fn visit_const_param(&mut self, parameter: &'ast syn::ConstParam) {
        self.0.insert(parameter.ident.to_string());
        visit::visit_const_param(self, parameter);
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        if let syn::Stmt::Item(item) = statement {
            self.0.extend(super::crate_tree::name_of(item));
        }
        visit::visit_stmt(self, statement);
    }
}

fn begins_upper(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}
