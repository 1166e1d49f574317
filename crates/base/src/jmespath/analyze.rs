//! Analyzes an expression without a document: finds the part that fails on every document, and the names in the expression.

use std::collections::BTreeSet;

use super::ast::Ast;
use super::functions;

/// Returns what fails on every document, and its position in the expression, or `None` if nothing does.
pub(super) fn always_fails(ast: &Ast) -> Option<(String, usize)> {
    let own = match ast {
        Ast::Call { name, arguments, at } => functions::always_fails(name, arguments).map(|cause| (cause, *at)),
        Ast::Slice { step: Some(0), at, .. } => Some(("a slice can't have step 0".to_owned(), *at)),
        _ => None,
    };
    own.or_else(|| ast.parts().into_iter().find_map(always_fails))
}

/// The names in an expression.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// The names that the expression uses.
    pub(super) asked: BTreeSet<&'a str>,
    /// Those of the names in `asked` that the condition of a filter compares. The condition is evaluated on the items of a list,
    /// so a compared name finds nothing unless an item has it.
    pub(super) compared: BTreeSet<&'a str>,
    /// The names that the expression gives to its own results.
    pub(super) given: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    /// Adds the names in an expression.
    pub(super) fn collect(&mut self, ast: &'a Ast, in_filter: bool) {
        match ast {
            Ast::Field(name) => self.asked.extend([name.as_str()]),
            Ast::Object(entries) => self.given.extend(entries.iter().map(|(key, _)| key.as_str())),
            Ast::Comparison(..) if in_filter => {
                self.compared.extend(ast.parts().into_iter().filter_map(|side| match side {
                    Ast::Field(name) => Some(name.as_str()),
                    _ => None,
                }));
            }
            Ast::Filter { condition, each } => {
                self.collect(condition, true);
                return self.collect(each, false);
            }
            _ => {}
        }
        let is_logical = matches!(ast, Ast::And(_) | Ast::Or(_) | Ast::Not(_));
        for part in ast.parts() {
            self.collect(part, in_filter && is_logical);
        }
    }
}
