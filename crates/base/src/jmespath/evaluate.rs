//! The evaluation of JMESPath expressions, with the results of Python's jmespath 1.1 (`visitor.py`).
//!
//! A result that is a part of the searched document is borrowed from it wherever possible. For example, a report of 50,000
//! accounts is not copied to count its rows.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::ast::{Ast, Comparator};
use super::functions;
use super::parser::DEEPEST;
use crate::python;

const NULL: Cow<'static, Value> = Cow::Owned(Value::Null);

/// Evaluates an expression on a value. Each value that is made may have about `largest` bytes: without a maximum, a few dozen steps of
/// `[@, @]` would fill any memory.
pub(super) fn evaluate<'a>(ast: &'a Ast, on: &'a Value, largest: usize) -> Result<Cow<'a, Value>, String> {
    let made = match ast {
        Ast::Current => return Ok(Cow::Borrowed(on)),
        Ast::Field(name) => return Ok(on.get(name).map_or(NULL, Cow::Borrowed)),
        Ast::Index(index) => return Ok(element(on, *index)),
        Ast::Literal(value) => return Ok(Cow::Borrowed(value)),
        Ast::Chain(steps) => return chain(steps, on, largest),
        Ast::Or(parts) => return first_that_is(true, parts, on, largest),
        Ast::And(parts) => return first_that_is(false, parts, on, largest),
        Ast::Comparison(first, rest) => return comparison(first, rest, on, largest),
        Ast::Not(part) => return Ok(Cow::Owned(Value::Bool(!is_true(evaluate(part, on, largest)?.as_ref())))),
        Ast::Reference(_) => {
            return Err("an expression with & is only an argument of a function, and has no value".to_owned());
        }
        Ast::Slice { from, to, step, .. } => slice(on, *from, *to, *step)?,
        Ast::Items(each) => project(on.as_array(), None, each, largest)?,
        Ast::Filter { condition, each } => project(on.as_array(), Some(condition), each, largest)?,
        Ast::FlattenedItems(each) => {
            project(on.as_array().map(|items| items.iter().flat_map(flattened)), None, each, largest)?
        }
        Ast::Values(each) => project(on.as_object().map(Map::values), None, each, largest)?,
        Ast::List(_) | Ast::Object(_) if on.is_null() => Value::Null,
        Ast::List(items) => {
            let values = items.iter().map(|item| evaluate(item, on, largest).map(Cow::into_owned));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        Ast::Object(entries) => {
            let pairs =
                entries.iter().map(|(key, value)| Ok((key.clone(), evaluate(value, on, largest)?.into_owned())));
            Value::Object(pairs.collect::<Result<_, String>>()?)
        }
        Ast::Call { name, arguments, .. } => functions::call(name, arguments, on, largest)?,
    };
    match weight(&made, DEEPEST) {
        Some(size) if size <= largest => Ok(Cow::Owned(made)),
        _ => Err("the result of --query is too large".to_owned()),
    }
}

/// Evaluates each step on the result of the step before it.
fn chain<'a>(steps: &'a [Ast], on: &'a Value, largest: usize) -> Result<Cow<'a, Value>, String> {
    steps.iter().try_fold(Cow::Borrowed(on), |on, step| match on {
        Cow::Borrowed(on) => evaluate(step, on, largest),
        Cow::Owned(on) => Ok(Cow::Owned(evaluate(step, &on, largest)?.into_owned())),
    })
}

/// Returns the first result whose truth value is `wanted`, or else the last result.
fn first_that_is<'a>(wanted: bool, parts: &'a [Ast], on: &'a Value, largest: usize) -> Result<Cow<'a, Value>, String> {
    let mut result = NULL;
    for part in parts {
        result = evaluate(part, on, largest)?;
        if is_true(&result) == wanted {
            break;
        }
    }
    Ok(result)
}

fn comparison<'a>(
    first: &'a Ast,
    rest: &'a [(Comparator, Ast)],
    on: &'a Value,
    largest: usize,
) -> Result<Cow<'a, Value>, String> {
    rest.iter().try_fold(evaluate(first, on, largest)?, |left, (comparator, right)| {
        Ok(Cow::Owned(compare(*comparator, &left, evaluate(right, on, largest)?.as_ref())?))
    })
}

/// Returns the approximate size of a value, in bytes. `None` if it has more than `levels` levels: a recursion through such a value could
/// overflow the stack.
fn weight(value: &Value, levels: usize) -> Option<usize> {
    let below = levels.checked_sub(1)?;
    let parts = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().try_fold(0, |sum, item| Some(sum + weight(item, below)?))?,
        Value::Object(entries) => {
            entries.iter().try_fold(0, |sum, (key, value)| Some(sum + key.len() + weight(value, below)?))?
        }
    };
    Some(size_of::<Value>() + parts)
}

/// Evaluates an expression on each item or, if there is a condition, on each item that meets it. Leaves out null results.
fn project<'a>(
    items: Option<impl IntoIterator<Item = &'a Value>>,
    condition: Option<&Ast>,
    each: &Ast,
    largest: usize,
) -> Result<Value, String> {
    let Some(items) = items else { return Ok(Value::Null) };
    let mut results = Vec::new();
    for item in items {
        if let Some(condition) = condition
            && !is_true(evaluate(condition, item, largest)?.as_ref())
        {
            continue;
        }
        let result = evaluate(each, item, largest)?;
        if !result.is_null() {
            results.push(result.into_owned());
        }
    }
    Ok(Value::Array(results))
}

/// Returns the items that replace an item when its list is flattened.
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

fn element(on: &Value, index: i64) -> Cow<'_, Value> {
    let Value::Array(items) = on else { return NULL };
    let from_end = || items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
    let at = usize::try_from(index).ok().or_else(from_end);
    at.and_then(|at| items.get(at)).map_or(NULL, Cow::Borrowed)
}

fn slice(on: &Value, from: Option<i64>, to: Option<i64>, step: Option<i64>) -> Result<Value, String> {
    let Value::Array(items) = on else { return Ok(Value::Null) };
    let length = i64::try_from(items.len()).map_err(|_| "the list is too long")?;
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err("slice step cannot be zero".to_owned());
    }
    let (lowest, highest) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let bound = |given: Option<i64>, default: i64| {
        given.map_or(default, |given| (if given < 0 { given + length } else { given }).clamp(lowest, highest))
    };
    let (first, last) = if step < 0 { (highest, lowest) } else { (lowest, highest) };
    let (mut at, end) = (bound(from, first), bound(to, last));
    let mut taken = Vec::new();
    while if step < 0 { at > end } else { at < end } {
        taken.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at = at.saturating_add(step);
    }
    Ok(Value::Array(taken))
}

fn compare(comparator: Comparator, left: &Value, right: &Value) -> Result<Value, String> {
    // Python's jmespath distinguishes `true` from `1`, but not inside lists and objects.
    let is_equal = || (left.is_boolean() == right.is_boolean()) && equal(left, right);
    let (sign, wanted): (_, &[Ordering]) = match comparator {
        Comparator::Equal => return Ok(Value::Bool(is_equal())),
        Comparator::NotEqual => return Ok(Value::Bool(!is_equal())),
        Comparator::Less => ("<", &[Ordering::Less]),
        Comparator::LessOrEqual => ("<=", &[Ordering::Less, Ordering::Equal]),
        Comparator::Greater => (">", &[Ordering::Greater]),
        Comparator::GreaterOrEqual => (">=", &[Ordering::Greater, Ordering::Equal]),
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

/// The order of two numbers or of two strings; `None` for other values.
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

/// Python's equality. An integer and a float may be equal, `true` is equal to `1`, and the order of keys does not matter.
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
        (Value::Number(number), Value::Bool(truth)) | (Value::Bool(truth), Value::Number(number)) => {
            number.as_f64() == Some(f64::from(u8::from(*truth)))
        }
        _ => left == right,
    }
}
