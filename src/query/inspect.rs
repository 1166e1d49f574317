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

/// The names that are asked for, without those that the expression gives itself.
pub(super) fn names(ast: &Ast) -> BTreeSet<&str> {
    let (mut asked, mut given) = (BTreeSet::new(), BTreeSet::new());
    collect(ast, &mut asked, &mut given);
    asked.difference(&given).copied().collect()
}

fn collect<'a>(ast: &'a Ast, asked: &mut BTreeSet<&'a str>, given: &mut BTreeSet<&'a str>) {
    match ast {
        Ast::Field { name, .. } => {
            asked.insert(name);
        }
        Ast::MultiHash { elements, .. } => given.extend(elements.iter().map(|pair| pair.key.as_str())),
        _ => {}
    }
    for part in parts(ast) {
        collect(part, asked, given);
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
