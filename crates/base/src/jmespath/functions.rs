//! The functions of JMESPath, with the results of Python's jmespath 1.1 (`functions.py`).

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::ast::Ast;
use super::evaluate::{equal, evaluate, order};
use crate::python;
use crate::suggest;

/// The types of values that a parameter accepts, by their names in JMESPath.
type Accepts = &'static [&'static str];

const ANY: Accepts = &["null", "boolean", "number", "string", "array", "object"];
const EXPRESSION: Accepts = &["expref"];
const NUMBER: Accepts = &["number"];
const STRING: Accepts = &["string"];
const ARRAY: Accepts = &["array"];
const OBJECT: Accepts = &["object"];
const NUMBERS: Accepts = &["array-number"];
const STRINGS: Accepts = &["array-string"];
const COMPARABLE: Accepts = &["array-number", "array-string"];

/// A function: its name, its parameters, and whether the last parameter can be repeated.
type Signature = (&'static str, &'static [Accepts], bool);

const SIGNATURES: [Signature; 26] = [
    ("abs", &[NUMBER], false),
    ("avg", &[NUMBERS], false),
    ("ceil", &[NUMBER], false),
    ("contains", &[&["array", "string"], ANY], false),
    ("ends_with", &[STRING, STRING], false),
    ("floor", &[NUMBER], false),
    ("join", &[STRING, STRINGS], false),
    ("keys", &[OBJECT], false),
    ("length", &[&["string", "array", "object"]], false),
    ("map", &[EXPRESSION, ARRAY], false),
    ("max", &[COMPARABLE], false),
    ("max_by", &[ARRAY, EXPRESSION], false),
    ("merge", &[OBJECT], true),
    ("min", &[COMPARABLE], false),
    ("min_by", &[ARRAY, EXPRESSION], false),
    ("not_null", &[ANY], true),
    ("reverse", &[&["array", "string"]], false),
    ("sort", &[COMPARABLE], false),
    ("sort_by", &[ARRAY, EXPRESSION], false),
    ("starts_with", &[STRING, STRING], false),
    ("sum", &[NUMBERS], false),
    ("to_array", &[ANY], false),
    ("to_number", &[ANY], false),
    ("to_string", &[ANY], false),
    ("type", &[ANY], false),
    ("values", &[OBJECT], false),
];

/// Calls a function on a value.
pub(super) fn call(name: &str, arguments: &[Ast], on: &Value, largest: usize) -> Result<Value, String> {
    let signature @ (_, parameters, _) = signature(name).ok_or_else(|| format!("Unknown function: {name}()"))?;
    check_count(signature, arguments.len())?;
    let mut values = Vec::with_capacity(arguments.len());
    let mut by = None;
    for (number, argument) in arguments.iter().enumerate() {
        match (parameters[number.min(parameters.len() - 1)], argument) {
            (EXPRESSION, Ast::Reference(expression)) => by = Some(expression.as_ref()),
            (accepted, _) => {
                let value = evaluate(argument, on, largest)?;
                // As in Python, only the first of several repeated arguments is checked.
                if number < parameters.len() {
                    check_type(name, accepted, &value)?;
                }
                // The argument of `length` is not copied, because it may hold all accounts of an Organization.
                match value.as_ref() {
                    Value::String(text) if name == "length" => return Ok(text.chars().count().into()),
                    Value::Array(items) if name == "length" => return Ok(items.len().into()),
                    Value::Object(entries) if name == "length" => return Ok(entries.len().into()),
                    _ => values.push(value.into_owned()),
                }
            }
        }
    }
    match by {
        Some(by) => apply_by(name, values, by, largest),
        None => apply(name, values),
    }
}

fn signature(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|(known, ..)| *known == name)
}

fn check_count((name, parameters, repeated): &Signature, received: usize) -> Result<(), String> {
    let expected = parameters.len();
    let (fits, at_least) = if *repeated { (received >= expected, "at least ") } else { (received == expected, "") };
    if fits {
        return Ok(());
    }
    let plural = if expected == 1 { "argument" } else { "arguments" };
    Err(format!("Expected {at_least}{expected} {plural} for function {name}(), received {received}"))
}

/// Returns why a call fails on every document, or `None` if it does not.
pub(super) fn always_fails(name: &str, arguments: &[Ast]) -> Option<String> {
    let Some(signature @ (_, parameters, _)) = signature(name) else {
        let near = suggest::nearest(name, SIGNATURES.iter().map(|(known, ..)| *known), 2);
        let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}()?"));
        return Some(format!("there is no function {name}(){meant}"));
    };
    let is_misplaced =
        |(accepted, given): (&Accepts, &Ast)| (*accepted == EXPRESSION) != matches!(given, Ast::Reference(_));
    check_count(signature, arguments.len()).err().or_else(|| {
        let is_any_misplaced = parameters.iter().zip(arguments).any(is_misplaced);
        is_any_misplaced
            .then(|| format!("{name}() takes an expression such as &account_id where the other functions take a value"))
    })
}

fn check_type(name: &str, accepted: Accepts, value: &Value) -> Result<(), String> {
    let fits = |wanted: &str| match (wanted.strip_prefix("array-"), value) {
        (Some(wanted), Value::Array(items)) => items.iter().all(|item| type_name(item) == wanted),
        _ => type_name(value) == wanted,
    };
    if accepted.iter().any(|wanted| fits(wanted)) { Ok(()) } else { Err(invalid_type(name, value, accepted)) }
}

fn invalid_type(name: &str, value: &Value, expected: &[&str]) -> String {
    let expected: Vec<String> = expected.iter().map(|wanted| format!("'{wanted}'")).collect();
    let (text, expected, received) = (python::text(value), expected.join(", "), type_name(value));
    format!(
        "In function {name}(), invalid type for value: {text}, expected one of: [{expected}], received: \"{received}\""
    )
}

/// The name of a value's type in JMESPath.
const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Applies a function whose arguments are all values. Their number and their types have been checked.
fn apply(name: &str, arguments: Vec<Value>) -> Result<Value, String> {
    let mut rest = arguments.into_iter();
    if name == "not_null" {
        return Ok(rest.find(|value| !value.is_null()).unwrap_or_default());
    }
    let first = rest.next().unwrap_or_default();
    if let ("merge", Value::Object(merged)) = (name, &first) {
        return rest.try_fold(merged.clone(), merge).map(Value::Object);
    }
    Ok(match (name, first, rest.next().unwrap_or_default()) {
        ("abs", Value::Number(number), _) => match number.as_i128() {
            Some(integer) => integer_value(integer.abs()),
            None => number.as_f64().map(f64::abs).into(),
        },
        ("ceil", Value::Number(number), _) if number.is_f64() => whole(number.as_f64().map(f64::ceil)),
        ("floor", Value::Number(number), _) if number.is_f64() => whole(number.as_f64().map(f64::floor)),
        ("avg", Value::Array(items), _) => average(&items),
        ("sum", Value::Array(items), _) => sum(&items),
        ("max", Value::Array(items), _) => extreme(items, |item| item, Ordering::Greater).unwrap_or_default(),
        ("min", Value::Array(items), _) => extreme(items, |item| item, Ordering::Less).unwrap_or_default(),
        ("sort", Value::Array(mut items), _) => {
            items.sort_by(|one, other| order(one, other).unwrap_or(Ordering::Equal));
            Value::Array(items)
        }
        ("contains", Value::Array(items), wanted) => items.iter().any(|item| equal(item, &wanted)).into(),
        ("contains", Value::String(text), Value::String(part)) => text.contains(&part).into(),
        ("contains", Value::String(_), other) => return Err(invalid_type(name, &other, STRING)),
        ("starts_with", Value::String(text), Value::String(start)) => text.starts_with(&start).into(),
        ("ends_with", Value::String(text), Value::String(end)) => text.ends_with(&end).into(),
        ("join", Value::String(glue), Value::Array(items)) => {
            items.iter().map(python::text).collect::<Vec<_>>().join(&glue).into()
        }
        ("keys", Value::Object(entries), _) => entries.into_iter().map(|(key, _)| Value::String(key)).collect(),
        ("values", Value::Object(entries), _) => entries.into_values().collect(),
        ("reverse", Value::String(text), _) => text.chars().rev().collect::<String>().into(),
        ("reverse", Value::Array(items), _) => items.into_iter().rev().collect(),
        ("to_array", single, _) if !single.is_array() => Value::Array(vec![single]),
        ("to_number", Value::String(text), _) => python::number(&text).map_or(Value::Null, Value::Number),
        ("to_number", other, _) if !other.is_number() => Value::Null,
        ("to_string", other, _) if !other.is_string() => python::compact_json(&other).into(),
        ("type", value, _) => type_name(&value).into(),
        // `ceil` and `floor` return an integer unchanged. A conversion returns a value unchanged if the value already has the
        // wanted type.
        (_, first, _) => first,
    })
}

/// Adds entries as Python's `dict.update` does: the entries of an object, or the pairs in a list.
fn merge(mut merged: Map<String, Value>, with: Value) -> Result<Map<String, Value>, String> {
    let refused = |with: &Value| Err(invalid_type("merge", with, OBJECT));
    match with {
        Value::Object(entries) => merged.extend(entries),
        Value::Array(items) => {
            for item in items {
                let mut parts: Vec<Value> = match &item {
                    Value::Array(items) => items.clone(),
                    Value::Object(entries) => entries.keys().cloned().map(Value::String).collect(),
                    Value::String(text) => text.chars().map(|character| character.to_string().into()).collect(),
                    _ => vec![],
                };
                match (parts.pop(), parts.pop(), parts.is_empty()) {
                    (Some(value), Some(Value::String(key)), true) => merged.insert(key, value),
                    _ => return refused(&item),
                };
            }
        }
        Value::String(text) if text.is_empty() => {}
        other => return refused(&other),
    }
    Ok(merged)
}

/// Applies a function that evaluates an expression on each item.
fn apply_by(name: &str, arguments: Vec<Value>, by: &Ast, largest: usize) -> Result<Value, String> {
    let Some(Value::Array(items)) = arguments.into_iter().next() else { return Ok(Value::Null) };
    let mut keyed = items
        .into_iter()
        .map(|item| Ok((evaluate(by, &item, largest)?.into_owned(), item)))
        .collect::<Result<Vec<_>, String>>()?;
    if name == "map" {
        return Ok(keyed.into_iter().map(|(result, _)| result).collect());
    }
    let wanted = keyed.first().map_or("", |(key, _)| type_name(key));
    let fits = |key: &Value| matches!(wanted, "number" | "string") && type_name(key) == wanted;
    if let Some((odd, _)) = keyed.iter().find(|(key, _)| !fits(key)) {
        return Err(invalid_type(name, odd, &["number", "string"]));
    }
    if name == "sort_by" {
        keyed.sort_by(|(one, _), (other, _)| order(one, other).unwrap_or(Ordering::Equal));
        return Ok(keyed.into_iter().map(|(_, item)| item).collect());
    }
    let wanted = if name == "max_by" { Ordering::Greater } else { Ordering::Less };
    Ok(extreme(keyed, |(key, _)| key, wanted).map(|(_, item)| item).unwrap_or_default())
}

/// Returns an integer as a value. An integer beyond 64 bits becomes the nearest 64-bit integer, although Python's integers have
/// no limit.
fn integer_value(integer: i128) -> Value {
    Number::from_i128(integer.clamp(i64::MIN.into(), u64::MAX.into())).map_or(Value::Null, Value::Number)
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates, and then `integer_value` does")]
fn whole(value: Option<f64>) -> Value {
    value.map_or(Value::Null, |value| integer_value(value as i128))
}

#[expect(clippy::cast_precision_loss, reason = "as in Python, the result is a float")]
fn average(items: &[Value]) -> Value {
    sum(items).as_f64().filter(|_| !items.is_empty()).map(|sum| sum / items.len() as f64).into()
}

/// The sum of numbers. As in Python, the sum is an integer until the first float is added.
fn sum(items: &[Value]) -> Value {
    let integer = |value: &Value| value.as_number().and_then(Number::as_i128);
    items.iter().fold(Value::from(0), |sum, item| match (integer(&sum), integer(item)) {
        (Some(sum), Some(item)) => integer_value(sum + item),
        _ => sum.as_f64().zip(item.as_f64()).map(|(sum, item)| sum + item).into(),
    })
}

/// The item with the largest or the smallest key.
fn extreme<T>(items: Vec<T>, key: fn(&T) -> &Value, wanted: Ordering) -> Option<T> {
    items.into_iter().reduce(|best, next| if order(key(&next), key(&best)) == Some(wanted) { next } else { best })
}
