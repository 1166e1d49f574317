//! The syntax tree of a JMESPath expression.
//!
//! Operands that follow one another (`a.b[0] | c`, `a || b || c`) are siblings in the tree. So the depth of the tree depends on
//! the nesting of the expression, and not on its length.

use serde_json::Value;

/// An expression, or a step of a `Chain`.
#[derive(Clone, Debug)]
pub(super) enum Ast {
    /// `@`. Also the right side of a projection that leaves each item unchanged.
    Current,
    Field(String),
    Index(i64),
    Slice {
        from: Option<i64>,
        to: Option<i64>,
        step: Option<i64>,
        /// The position in the expression, in characters from 0.
        at: usize,
    },
    Literal(Value),
    /// Each step is evaluated on the result of the step before it: `a.b`, `a[0]`, `a | b`.
    Chain(Vec<Self>),
    /// `[*]`: evaluates an expression on each item of a list.
    Items(Box<Self>),
    /// `[]`: evaluates an expression on each item of a flattened list.
    FlattenedItems(Box<Self>),
    /// `*`: evaluates an expression on each value of an object.
    Values(Box<Self>),
    /// `[?condition]`: evaluates an expression on the items that meet a condition.
    Filter {
        condition: Box<Self>,
        each: Box<Self>,
    },
    Or(Vec<Self>),
    And(Vec<Self>),
    Not(Box<Self>),
    /// `a == b`. Each further comparison uses the result of the comparison before it as its left side.
    Comparison(Box<Self>, Vec<(Comparator, Self)>),
    /// `[a, b]`
    List(Vec<Self>),
    /// `{a: b}`
    Object(Vec<(String, Self)>),
    Call {
        name: String,
        arguments: Vec<Self>,
        /// The position of the name in the expression, in characters from 0.
        at: usize,
    },
    /// `&a`: an expression as the argument of a function.
    Reference(Box<Self>),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Ast {
    /// Adds a step that is evaluated on the result of this expression.
    pub(super) fn then(self, step: Self) -> Self {
        match self {
            Self::Current => Self::Chain(vec![step]),
            Self::Chain(mut steps) => {
                steps.push(step);
                Self::Chain(steps)
            }
            single => Self::Chain(vec![single, step]),
        }
    }

    /// Adds an alternative (`||`).
    pub(super) fn or(self, alternative: Self) -> Self {
        match self {
            Self::Or(mut alternatives) => {
                alternatives.push(alternative);
                Self::Or(alternatives)
            }
            single => Self::Or(vec![single, alternative]),
        }
    }

    /// Adds a condition (`&&`).
    pub(super) fn and(self, condition: Self) -> Self {
        match self {
            Self::And(mut conditions) => {
                conditions.push(condition);
                Self::And(conditions)
            }
            single => Self::And(vec![single, condition]),
        }
    }

    /// Adds a comparison.
    pub(super) fn compared(self, comparator: Comparator, with: Self) -> Self {
        match self {
            Self::Comparison(first, mut rest) => {
                rest.push((comparator, with));
                Self::Comparison(first, rest)
            }
            single => Self::Comparison(Box::new(single), vec![(comparator, with)]),
        }
    }

    /// Whether the expression ends with an index or a slice. In Python, a slice directly after an index or a slice is not a
    /// projection (`a[0][1:2].b`).
    pub(super) fn ends_with_index(&self) -> bool {
        matches!(self, Self::Chain(steps) if matches!(steps.last(), Some(Self::Index(_) | Self::Slice { .. })))
    }

    /// The direct subexpressions.
    pub(super) fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Current | Self::Field(_) | Self::Index(_) | Self::Slice { .. } | Self::Literal(_) => vec![],
            Self::Items(part)
            | Self::FlattenedItems(part)
            | Self::Values(part)
            | Self::Not(part)
            | Self::Reference(part) => vec![part],
            Self::Filter { condition, each } => vec![condition, each],
            Self::Chain(parts) | Self::Or(parts) | Self::And(parts) | Self::List(parts) => parts.iter().collect(),
            Self::Call { arguments, .. } => arguments.iter().collect(),
            Self::Comparison(first, rest) => {
                std::iter::once(first.as_ref()).chain(rest.iter().map(|(_, part)| part)).collect()
            }
            Self::Object(entries) => entries.iter().map(|(_, part)| part).collect(),
        }
    }
}
