//! Checks of an expression before there is a document: what in it fails on every document, and which names it asks for.

use std::collections::BTreeSet;

use jmespath::ast::Ast;

use super::functions;

/// What fails on every document, and where it is in the expression.
pub(super) fn always_fails(ast: &Ast) -> Option<(String, usize)> {
    let own = match ast {
        Ast::Function { name, args, offset } => {
            // `offset` is that of the parenthesis after the name.
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
    /// Those that it asks for.
    pub(super) asked: BTreeSet<&'a str>,
    /// Those of them that a filter compares with something, so that the items of a list must have them.
    pub(super) compared: BTreeSet<&'a str>,
    /// Those that it gives to its own results.
    pub(super) given: BTreeSet<&'a str>,
}

/// Collects the names in an expression.
pub(super) fn names(ast: &Ast) -> Names<'_> {
    let mut names = Names::default();
    collect(ast, false, &mut names);
    names
}

fn collect<'a>(ast: &'a Ast, in_filter: bool, names: &mut Names<'a>) {
    match ast {
        Ast::Field { name, .. } => {
            names.asked.insert(name);
        }
        Ast::MultiHash { elements, .. } => names.given.extend(elements.iter().map(|pair| pair.key.as_str())),
        Ast::Comparison { lhs, rhs, .. } if in_filter => {
            let field = |side: &'a Ast| if let Ast::Field { name, .. } = side { Some(name.as_str()) } else { None };
            names.compared.extend([lhs, rhs].into_iter().filter_map(|side| field(side)));
        }
        Ast::Condition { predicate, then, .. } => {
            collect(predicate, true, names);
            return collect(then, false, names);
        }
        _ => {}
    }
    let is_logical = matches!(ast, Ast::And { .. } | Ast::Or { .. } | Ast::Not { .. });
    for part in parts(ast) {
        collect(part, in_filter && is_logical, names);
    }
}

/// The direct subexpressions of an expression.
fn parts(ast: &Ast) -> Vec<&Ast> {
    match ast {
        Ast::Identity { .. } | Ast::Field { .. } | Ast::Index { .. } | Ast::Literal { .. } | Ast::Slice { .. } => {
            Vec::new()
        }
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
    }
}
