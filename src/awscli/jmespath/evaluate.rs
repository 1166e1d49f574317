//! This module owns the evaluation of JMESPath expressions, with Python's results (jmespath 1.1, `visitor.py`).
//!
//! What is found is a part of what is searched, and borrowed from it wherever it can be: a report of 50,000 accounts is not
//! copied to count its rows.

use std::borrow::Cow;
use std::cmp::Ordering;

use jmespath::Variable;
use jmespath::ast::{Ast, Comparator};

use super::functions;
use super::value::{Value, put};

/// What an expression finds.
type Found<'a> = Result<Cow<'a, Value>, String>;

const NOTHING: Cow<'static, Value> = Cow::Owned(Value::Null);

/// How large a value may become, in bytes, more or less. A report of 50,000 accounts has some 120 MB here, but a few dozen steps of
/// `[@, @]` would fill any memory. The tests try expressions that do.
const LARGEST: usize = if cfg!(any(test, fuzzing)) { 1 << 24 } else { 1 << 29 };

/// Evaluates an expression on a value.
pub(super) fn evaluate<'a>(ast: &Ast, on: &'a Value) -> Found<'a> {
    let made = match ast {
        Ast::Identity { .. } => return Ok(Cow::Borrowed(on)),
        Ast::Field { name, .. } => return Ok(on.get(name).map_or(NOTHING, Cow::Borrowed)),
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
            return if is_true(evaluate(predicate, on)?.as_ref()) { evaluate(then, on) } else { Ok(NOTHING) };
        }
        // The grammar lets it stand alone, where it means nothing.
        Ast::Expref { ast, .. } => return evaluate(ast, on),
        Ast::Slice { start, stop, step, .. } => slice(on, *start, *stop, *step)?,
        Ast::Literal { value, .. } => literal(value),
        Ast::Not { node, .. } => Value::Bool(!is_true(evaluate(node, on)?.as_ref())),
        Ast::Comparison { comparator, lhs, rhs, .. } => {
            compare(comparator, evaluate(lhs, on)?.as_ref(), evaluate(rhs, on)?.as_ref())?
        }
        Ast::ObjectValues { node, .. } => match evaluate(node, on)?.as_ref() {
            Value::Object(entries) => Value::Array(entries.iter().map(|(_, value)| value.clone()).collect()),
            _ => Value::Null,
        },
        Ast::Flatten { node, .. } => match evaluate(node, on)?.as_ref() {
            Value::Array(items) => Value::Array(items.iter().flat_map(inner).cloned().collect()),
            _ => Value::Null,
        },
        Ast::Projection { lhs, rhs, .. } => match lhs.as_ref() {
            Ast::Flatten { node, .. } => project(evaluate(node, on)?.as_ref(), true, rhs)?,
            lhs => project(evaluate(lhs, on)?.as_ref(), false, rhs)?,
        },
        Ast::MultiList { .. } | Ast::MultiHash { .. } if *on == Value::Null => Value::Null,
        Ast::MultiList { elements, .. } => {
            let found = elements.iter().map(|element| evaluate(element, on).map(Cow::into_owned));
            Value::Array(found.collect::<Result<_, _>>()?)
        }
        Ast::MultiHash { elements, .. } => {
            let mut object = Vec::new();
            for pair in elements {
                put(&mut object, pair.key.clone(), evaluate(&pair.value, on)?.into_owned());
            }
            Value::Object(object)
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
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(entries) => entries.iter().map(|(key, value)| key.len() + weight(value)).sum(),
        }
}

/// Evaluates an expression on each item of a list, or of the lists in it if it is flattened, and leaves out what is null.
fn project(list: &Value, flatten: bool, each: &Ast) -> Result<Value, String> {
    let Value::Array(items) = list else { return Ok(Value::Null) };
    let mut found = Vec::new();
    for item in items.iter().flat_map(|item| if flatten { inner(item) } else { std::slice::from_ref(item) }) {
        let value = evaluate(each, item)?;
        if *value != Value::Null {
            found.push(value.into_owned());
        }
    }
    Ok(Value::Array(found))
}

/// What takes the place of an item when its list is flattened.
fn inner(item: &Value) -> &[Value] {
    match item {
        Value::Array(items) => items,
        single => std::slice::from_ref(single),
    }
}

/// JMESPath's truth: zero is true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Int(_) | Value::Float(_) => true,
        Value::String(_) | Value::Array(_) | Value::Object(_) => value.is_truthy(),
    }
}

fn element(on: &Value, index: i32) -> Cow<'_, Value> {
    let Value::Array(items) = on else { return NOTHING };
    let at = usize::try_from(index).ok().or_else(|| items.len().checked_sub(index.unsigned_abs() as usize));
    at.and_then(|at| items.get(at)).map_or(NOTHING, Cow::Borrowed)
}

fn slice(on: &Value, from: Option<i32>, to: Option<i32>, step: i32) -> Result<Value, String> {
    if step == 0 {
        return Err("slice step cannot be zero".to_owned());
    }
    let Value::Array(items) = on else { return Ok(Value::Null) };
    let length = i64::try_from(items.len()).map_err(|_| "the list is too long")?;
    let step = i64::from(step);
    let (lowest, highest) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let bound = |given: Option<i32>, otherwise: i64| {
        given.map_or(otherwise, |given| {
            let given = i64::from(given);
            (if given < 0 { given + length } else { given }).clamp(lowest, highest)
        })
    };
    let (first, last) = if step < 0 { (highest, lowest) } else { (lowest, highest) };
    let (mut at, end) = (bound(from, first), bound(to, last));
    let mut taken = Vec::new();
    while if step < 0 { at > end } else { at < end } {
        let item = usize::try_from(at).ok().and_then(|at| items.get(at));
        taken.extend(item.cloned());
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
    let has_order = |value: &Value| is_number(value) || matches!(value, Value::String(_));
    if !has_order(left) || !has_order(right) {
        return Ok(Value::Null);
    }
    functions::order(left, right).map(|order| Value::Bool(wanted.contains(&order))).ok_or_else(|| {
        let (left, right) = (left.python_type(), right.python_type());
        format!("'{sign}' not supported between instances of '{left}' and '{right}'")
    })
}

const fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Float(_))
}

/// Equality: integers and floats may be equal, and the order of keys does not matter.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(_)) => {
            let Value::Object(other) = right else { return false };
            let same = |(key, value): &(String, Value)| right.get(key).is_some_and(|other| equal(value, other));
            one.len() == other.len() && one.iter().all(same)
        }
        _ if is_number(left) && is_number(right) => functions::order(left, right) == Some(Ordering::Equal),
        _ => left == right,
    }
}

/// A literal, from the values of the crate.
fn literal(value: &Variable) -> Value {
    match value {
        Variable::Null | Variable::Expref(_) => Value::Null,
        Variable::Bool(value) => Value::Bool(*value),
        Variable::String(text) => Value::String(text.clone()),
        Variable::Number(number) => {
            number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Int)
        }
        Variable::Array(items) => Value::Array(items.iter().map(|item| literal(item)).collect()),
        Variable::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), literal(value))).collect())
        }
    }
}
