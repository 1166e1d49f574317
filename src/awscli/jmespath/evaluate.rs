//! The evaluation of JMESPath expressions, with the results of Python's jmespath 1.1 (`visitor.py`).
//!
//! A result that is a part of the searched document is borrowed from it wherever possible. For example, a report of 50,000
//! accounts is not copied to count its rows.

use std::borrow::Cow;
use std::cmp::Ordering;

use jmespath::ast::{Ast, Comparator};
use serde_json::Value;

use super::functions;
use crate::awscli::python;

const NULL: Cow<'static, Value> = Cow::Owned(Value::Null);

/// The approximate maximum size of a value, in bytes. A report of 50,000 accounts takes about 110 MB as a value. A few dozen
/// steps of `[@, @]` would fill any memory, and the tests have such expressions.
const LARGEST: usize = if cfg!(any(test, fuzzing)) { 1 << 24 } else { 1 << 29 };

/// Evaluates an expression on a value.
pub(super) fn evaluate<'a>(ast: &Ast, on: &'a Value) -> Result<Cow<'a, Value>, String> {
    let made = match ast {
        Ast::Identity { .. } => return Ok(Cow::Borrowed(on)),
        Ast::Field { name, .. } => return Ok(on.get(name).map_or(NULL, Cow::Borrowed)),
        Ast::Index { idx, .. } => return Ok(element(on, *idx)),
        Ast::Subexpr { lhs, rhs, .. } => match evaluate(lhs, on)? {
            Cow::Borrowed(left) => return evaluate(rhs, left),
            Cow::Owned(left) => evaluate(rhs, &left)?.into_owned(),
        },
        Ast::Or { lhs, rhs, .. } => {
            let left = evaluate(lhs, on)?;
            return if is_true(&left) { Ok(left) } else { evaluate(rhs, on) };
        }
        Ast::And { lhs, rhs, .. } => {
            let left = evaluate(lhs, on)?;
            return if is_true(&left) { evaluate(rhs, on) } else { Ok(left) };
        }
        Ast::Condition { predicate, then, .. } => {
            return if is_true(evaluate(predicate, on)?.as_ref()) { evaluate(then, on) } else { Ok(NULL) };
        }
        // The grammar also allows `&` outside of a function's arguments. There, `&` has no effect.
        Ast::Expref { ast, .. } => return evaluate(ast, on),
        Ast::Slice { start, stop, step, .. } => slice(on, *start, *stop, *step)?,
        Ast::Literal { value, .. } => serde_json::to_value(value).unwrap_or_default(),
        Ast::Not { node, .. } => Value::Bool(!is_true(evaluate(node, on)?.as_ref())),
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compare(comparator, evaluate(lhs, on)?.as_ref(), evaluate(rhs, on)?.as_ref())?
        }
        Ast::ObjectValues { node, .. } => {
            evaluate(node, on)?.as_object().map_or(Value::Null, |entries| entries.values().cloned().collect())
        }
        Ast::Flatten { node, .. } => match evaluate(node, on)?.as_ref() {
            Value::Array(items) => items.iter().flat_map(flattened).cloned().collect(),
            _ => Value::Null,
        },
        Ast::Projection { lhs, rhs, .. } => match lhs.as_ref() {
            Ast::Flatten { node, .. } => project(evaluate(node, on)?.as_ref(), true, rhs)?,
            lhs => project(evaluate(lhs, on)?.as_ref(), false, rhs)?,
        },
        Ast::MultiList { .. } | Ast::MultiHash { .. } if on.is_null() => Value::Null,
        Ast::MultiList { elements, .. } => {
            let values = elements.iter().map(|element| evaluate(element, on).map(Cow::into_owned));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        Ast::MultiHash { elements, .. } => {
            let pairs = elements.iter().map(|pair| Ok((pair.key.clone(), evaluate(&pair.value, on)?.into_owned())));
            Value::Object(pairs.collect::<Result<_, String>>()?)
        }
        Ast::Function { name, args, .. } => functions::call(name, args, on)?,
    };
    let grows =
        matches!(ast, Ast::MultiList { .. } | Ast::MultiHash { .. } | Ast::Function { .. } | Ast::Projection { .. });
    if grows && weight(&made) > LARGEST {
        return Err("the result of --query is too large".to_owned());
    }
    Ok(Cow::Owned(made))
}

fn weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + weight(value)).sum(),
        }
}

/// Evaluates an expression on each item of a list, or of its flattened items, and drops null results.
fn project(list: &Value, flatten: bool, each: &Ast) -> Result<Value, String> {
    let Value::Array(items) = list else { return Ok(Value::Null) };
    let mut results = Vec::new();
    for item in items.iter().flat_map(|item| if flatten { flattened(item) } else { std::slice::from_ref(item) }) {
        let result = evaluate(each, item)?;
        if !result.is_null() {
            results.push(result.into_owned());
        }
    }
    Ok(Value::Array(results))
}

/// The items that replace an item when its list is flattened.
fn flattened(item: &Value) -> &[Value] {
    match item {
        Value::Array(items) => items,
        single => std::slice::from_ref(single),
    }
}

/// Whether a value is true in JMESPath: the same as in Python, except that zero is true.
fn is_true(value: &Value) -> bool {
    value.is_number() || python::is_truthy(value)
}

fn element(on: &Value, index: i32) -> Cow<'_, Value> {
    let Value::Array(items) = on else { return NULL };
    let at = usize::try_from(index).ok().or_else(|| items.len().checked_sub(index.unsigned_abs() as usize));
    at.and_then(|at| items.get(at)).map_or(NULL, Cow::Borrowed)
}

fn slice(on: &Value, from: Option<i32>, to: Option<i32>, step: i32) -> Result<Value, String> {
    if step == 0 {
        return Err("slice step cannot be zero".to_owned());
    }
    let Value::Array(items) = on else { return Ok(Value::Null) };
    let length = i64::try_from(items.len()).map_err(|_| "the list is too long")?;
    let step = i64::from(step);
    let (lowest, highest) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let bound = |given: Option<i32>, default: i64| {
        given.map_or(default, |given| {
            let given = i64::from(given);
            (if given < 0 { given + length } else { given }).clamp(lowest, highest)
        })
    };
    let (first, last) = if step < 0 { (highest, lowest) } else { (lowest, highest) };
    let (mut at, end) = (bound(from, first), bound(to, last));
    let mut taken = Vec::new();
    while if step < 0 { at > end } else { at < end } {
        taken.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at += step;
    }
    Ok(Value::Array(taken))
}

fn compare(comparator: &Comparator, left: &Value, right: &Value) -> Result<Value, String> {
    let (sign, wanted): (_, &[Ordering]) = match comparator {
        Comparator::Equal => return Ok(Value::Bool(equal(left, right))),
        Comparator::NotEqual => return Ok(Value::Bool(!equal(left, right))),
        Comparator::LessThan => ("<", &[Ordering::Less]),
        Comparator::LessThanEqual => ("<=", &[Ordering::Less, Ordering::Equal]),
        Comparator::GreaterThan => (">", &[Ordering::Greater]),
        Comparator::GreaterThanEqual => (">=", &[Ordering::Greater, Ordering::Equal]),
    };
    let has_order = |value: &Value| value.is_number() || value.is_string();
    match order(left, right) {
        Some(order) => Ok(Value::Bool(wanted.contains(&order))),
        None if has_order(left) && has_order(right) => {
            let (left, right) = (python::type_name(left), python::type_name(right));
            Err(format!("'{sign}' not supported between instances of '{left}' and '{right}'"))
        }
        None => Ok(Value::Null),
    }
}

/// The order of two numbers or of two strings.
pub(super) fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i128(), other.as_i128()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
        },
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

/// Whether two values are equal. An integer and a float can be equal, and the order of keys does not matter.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(key, value): (&String, &Value)| other.get(key).is_some_and(|other| equal(value, other));
            one.len() == other.len() && one.iter().all(same)
        }
        (Value::Number(_), Value::Number(_)) => order(left, right) == Some(Ordering::Equal),
        _ => left == right,
    }
}
