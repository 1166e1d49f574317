//! This module owns what can be said of an expression before there is anything to search: what in it can never work, and which
//! names it asks for.

use std::collections::BTreeSet;

use jmespath::ast::Ast;

use super::functions;

/// What can never work, and where it is.
pub(super) fn never_works(ast: &Ast) -> Option<(String, usize)> {
    let own = match ast {
        Ast::Function { name, args, offset } => {
            // The place is that of the bracket behind the name.
            functions::never_works(name, args).map(|cause| (cause, offset.saturating_sub(name.chars().count())))
        }
        Ast::Slice { step: 0, offset, .. } => Some(("a slice can't have step 0".to_owned(), *offset)),
        _ => None,
    };
    own.or_else(|| parts(ast).into_iter().find_map(never_works))
}

/// The names in an expression.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    /// Those that are asked for.
    pub(super) asked: BTreeSet<&'a str>,
    /// Those of them that a filter compares with something, so that they have to be those of items.
    pub(super) of_items: BTreeSet<&'a str>,
    /// Those that the expression gives itself.
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
            names.of_items.extend([lhs, rhs].into_iter().filter_map(|side| field(side)));
        }
        Ast::Condition { predicate, then, .. } => {
            collect(predicate, true, names);
            return collect(then, false, names);
        }
        _ => {}
    }
    let goes_on = matches!(ast, Ast::And { .. } | Ast::Or { .. } | Ast::Not { .. });
    for part in parts(ast) {
        collect(part, in_filter && goes_on, names);
    }
}

/// The expressions that an expression is made of.
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
