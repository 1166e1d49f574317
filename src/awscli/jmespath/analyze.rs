//! Analyzes an expression without a document: finds the part that fails on every document, and the names in the expression.

use std::collections::BTreeSet;

use jmespath::ast::Ast;

use super::functions;

/// Returns what fails on every document, and where it is in the expression, or `None` if nothing fails on every document.
pub(super) fn always_fails(ast: &Ast) -> Option<(String, usize)> {
    let own = match ast {
        // `offset` is the position of the parenthesis after the name.
        Ast::Function { name, args, offset } => {
            functions::always_fails(name, args).map(|cause| (cause, offset.saturating_sub(name.chars().count())))
        }
        Ast::Slice { step: 0, offset, .. } => Some(("a slice can't have step 0".to_owned(), *offset)),
        _ => None,
    };
    own.or_else(|| parts(ast).into_iter().find_map(always_fails))
}

/// The names in an expression.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// The names that the expression uses.
    pub(super) asked: BTreeSet<&'a str>,
    /// The used names that a filter compares with a value. The items of a list must have these names.
    pub(super) compared: BTreeSet<&'a str>,
    /// The names that the expression gives to its own results.
    pub(super) given: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    /// Adds the names in an expression.
    pub(super) fn collect(&mut self, ast: &'a Ast, in_filter: bool) {
        match ast {
            Ast::Field { name, .. } => self.asked.extend([name.as_str()]),
            Ast::MultiHash { elements, .. } => self.given.extend(elements.iter().map(|pair| pair.key.as_str())),
            Ast::Comparison { lhs, rhs, .. } if in_filter => {
                for side in [lhs, rhs] {
                    if let Ast::Field { name, .. } = side.as_ref() {
                        self.compared.insert(name);
                    }
                }
            }
            Ast::Condition { predicate, then, .. } => {
                self.collect(predicate, true);
                return self.collect(then, false);
            }
            _ => {}
        }
        let is_logical = matches!(ast, Ast::And { .. } | Ast::Or { .. } | Ast::Not { .. });
        for part in parts(ast) {
            self.collect(part, in_filter && is_logical);
        }
    }
}

/// The direct subexpressions of an expression.
fn parts(ast: &Ast) -> Vec<&Ast> {
    match ast {
        Ast::Comparison { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. }
        | Ast::Subexpr { lhs, rhs, .. } => vec![lhs, rhs],
        Ast::Condition { predicate, then, .. } => vec![predicate, then],
        Ast::Expref { ast, .. } => vec![ast],
        Ast::Flatten { node, .. } | Ast::Not { node, .. } | Ast::ObjectValues { node, .. } => vec![node],
        Ast::Function { args, .. } => args.iter().collect(),
        Ast::MultiList { elements, .. } => elements.iter().collect(),
        Ast::MultiHash { elements, .. } => elements.iter().map(|pair| &pair.value).collect(),
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Literal { .. } | Ast::Slice { .. } => {
            vec![]
        }
    }
}
