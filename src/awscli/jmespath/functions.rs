//! This module owns the functions of JMESPath, with Python's results (jmespath 1.1, `functions.py`).

use std::cmp::Ordering;

use jmespath::ast::Ast;

use super::evaluate::{equal, evaluate};
use super::value::{Value, put};

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Any,
    Expression,
    /// One of these, by their names in JMESPath.
    Of(&'static [&'static str]),
}

use Type::{Any, Expression, Of};

const NUMBER: Type = Of(&["number"]);
const STRING: Type = Of(&["string"]);
const ARRAY: Type = Of(&["array"]);
const OBJECT: Type = Of(&["object"]);
const NUMBERS: Type = Of(&["array-number"]);
const STRINGS: Type = Of(&["array-string"]);
const COMPARABLE: Type = Of(&["array-number", "array-string"]);

/// A function: its name, what it takes, and whether the last may be repeated.
type Signature = (&'static str, &'static [Type], bool);

const SIGNATURES: [Signature; 26] = [
    ("abs", &[NUMBER], false),
    ("avg", &[NUMBERS], false),
    ("ceil", &[NUMBER], false),
    ("contains", &[Of(&["array", "string"]), Any], false),
    ("ends_with", &[STRING, STRING], false),
    ("floor", &[NUMBER], false),
    ("join", &[STRING, STRINGS], false),
    ("keys", &[OBJECT], false),
    ("length", &[Of(&["string", "array", "object"])], false),
    ("map", &[Expression, ARRAY], false),
    ("max", &[COMPARABLE], false),
    ("max_by", &[ARRAY, Expression], false),
    ("merge", &[OBJECT], true),
    ("min", &[COMPARABLE], false),
    ("min_by", &[ARRAY, Expression], false),
    ("not_null", &[Any], true),
    ("reverse", &[Of(&["array", "string"])], false),
    ("sort", &[COMPARABLE], false),
    ("sort_by", &[ARRAY, Expression], false),
    ("starts_with", &[STRING, STRING], false),
    ("sum", &[NUMBERS], false),
    ("to_array", &[Any], false),
    ("to_number", &[Any], false),
    ("to_string", &[Any], false),
    ("type", &[Any], false),
    ("values", &[OBJECT], false),
];

/// Calls a function on a value.
pub(super) fn call(name: &str, arguments: &[Ast], on: &Value) -> Result<Value, String> {
    let (name, types) = signature(name, arguments.len())?;
    let mut values = Vec::with_capacity(arguments.len());
    let mut by = None;
    for (number, argument) in arguments.iter().enumerate() {
        let wanted = types[number.min(types.len() - 1)];
        match (wanted, argument) {
            (Expression, Ast::Expref { ast, .. }) => by = Some(ast.as_ref()),
            (Expression, _) => return Err(wrong(name, evaluate(argument, on)?.as_ref(), &["expref"])),
            (Any | Of(_), _) => {
                let value = evaluate(argument, on)?;
                check(name, wanted, &value)?;
                if name == "length" {
                    // Counted where it is: it may be all accounts of an Organization.
                    return Ok(Value::Int(length(&value)));
                }
                values.push(value.into_owned());
            }
        }
    }
    match by {
        Some(by) => apply_by(name, values, by),
        None => Ok(apply(name, values)),
    }
}

/// A function, and the types of its arguments, of which there are as many as given.
fn signature(name: &str, received: usize) -> Result<(&'static str, &'static [Type]), String> {
    let Some((name, types, repeated)) = SIGNATURES.iter().find(|(known, ..)| *known == name).copied() else {
        return Err(format!("Unknown function: {name}()"));
    };
    let expected = types.len();
    let plural = if expected == 1 { "argument" } else { "arguments" };
    if repeated && received < expected {
        return Err(format!("Expected at least {expected} {plural} for function {name}(), received {received}"));
    }
    if !repeated && received != expected {
        return Err(format!("Expected {expected} {plural} for function {name}(), received {received}"));
    }
    Ok((name, types))
}

/// What is wrong with a call whatever it is given.
pub(super) fn never_works(name: &str, arguments: &[Ast]) -> Option<String> {
    let types = match signature(name, arguments.len()) {
        Ok((_, types)) => types,
        Err(cause) if cause.starts_with("Unknown") => {
            let near = crate::suggest::nearest(name, SIGNATURES.iter().map(|(known, ..)| *known), 2);
            let meant = near.map_or_else(String::new, |near| format!("; did you mean {near}()?"));
            return Some(format!("there is no function {name}(){meant}"));
        }
        Err(cause) => return Some(cause),
    };
    let expression = |argument: &Ast| matches!(argument, Ast::Expref { .. });
    let wrong = types.iter().zip(arguments).any(|(wanted, given)| (*wanted == Expression) != expression(given));
    wrong.then(|| format!("{name}() takes an expression such as &account_id where the other functions take a value"))
}

fn check(name: &str, wanted: Type, value: &Value) -> Result<(), String> {
    let Of(kinds) = wanted else { return Ok(()) };
    let of_array = |kind: &str| match (kind.strip_prefix("array-"), value) {
        (Some(kind), Value::Array(items)) => items.iter().all(|item| kind_of(item) == kind),
        _ => false,
    };
    if kinds.iter().any(|kind| kind_of(value) == *kind || of_array(kind)) {
        Ok(())
    } else {
        Err(wrong(name, value, kinds))
    }
}

fn wrong(name: &str, value: &Value, expected: &[&str]) -> String {
    let expected: Vec<String> = expected.iter().map(|kind| format!("'{kind}'")).collect();
    let (value, expected, kind) = (value.text(), expected.join(", "), kind_of(value));
    format!(
        "In function {name}(), invalid type for value: {value}, expected one of: [{expected}], received: \"{kind}\""
    )
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::Float(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A function without an expression in its arguments, which have the right number and types.
fn apply(name: &str, arguments: Vec<Value>) -> Value {
    let mut arguments = arguments.into_iter();
    let first = arguments.next().unwrap_or(Value::Null);
    match (name, first) {
        ("abs", Value::Int(value)) => Value::Int(value.saturating_abs()),
        ("abs", Value::Float(value)) => Value::Float(value.abs()),
        ("ceil", Value::Float(value)) => whole(value.ceil()),
        ("floor", Value::Float(value)) => whole(value.floor()),
        ("avg", Value::Array(items)) => average(&items),
        ("sum", Value::Array(items)) => sum(&items),
        ("max", Value::Array(items)) => extreme(items, Ordering::Greater),
        ("min", Value::Array(items)) => extreme(items, Ordering::Less),
        ("sort", Value::Array(mut items)) => {
            items.sort_by(|one, other| order(one, other).unwrap_or(Ordering::Equal));
            Value::Array(items)
        }
        ("contains", first) => Value::Bool(contains(&first, &arguments.next().unwrap_or(Value::Null))),
        ("starts_with", first) => with_text(&first, arguments.next(), |text, part| Value::Bool(text.starts_with(part))),
        ("ends_with", first) => with_text(&first, arguments.next(), |text, part| Value::Bool(text.ends_with(part))),
        ("join", first) => join(&first, arguments.next()),
        ("keys", Value::Object(entries)) => {
            Value::Array(entries.into_iter().map(|(key, _)| Value::String(key)).collect())
        }
        ("values", Value::Object(entries)) => Value::Array(entries.into_iter().map(|(_, value)| value).collect()),
        ("merge", Value::Object(mut merged)) => {
            for (key, value) in
                arguments.flat_map(|more| if let Value::Object(entries) = more { entries } else { vec![] })
            {
                put(&mut merged, key, value);
            }
            Value::Object(merged)
        }
        ("not_null", first) => {
            std::iter::once(first).chain(arguments).find(|value| *value != Value::Null).unwrap_or(Value::Null)
        }
        ("reverse", Value::String(text)) => Value::String(text.chars().rev().collect()),
        ("reverse", Value::Array(items)) => Value::Array(items.into_iter().rev().collect()),
        ("to_array", first @ Value::Array(_)) | ("to_string", first @ Value::String(_)) => first,
        ("to_array", first) => Value::Array(vec![first]),
        ("to_number", first) => to_number(first),
        ("to_string", first) => Value::String(first.compact_json()),
        ("type", first) => Value::String(kind_of(&first).to_owned()),
        // Of an integer, these are the integer itself.
        (_, first) => first,
    }
}

/// A function that evaluates an expression on each item.
fn apply_by(name: &str, arguments: Vec<Value>, by: &Ast) -> Result<Value, String> {
    let Some(Value::Array(items)) = arguments.into_iter().next() else { return Ok(Value::Null) };
    let mut keyed = items
        .into_iter()
        .map(|item| Ok((evaluate(by, &item)?.into_owned(), item)))
        .collect::<Result<Vec<_>, String>>()?;
    if name == "map" {
        return Ok(Value::Array(keyed.into_iter().map(|(found, _)| found).collect()));
    }
    let Some((first, _)) = keyed.first() else {
        return Ok(if name == "sort_by" { Value::Array(Vec::new()) } else { Value::Null });
    };
    let kind = kind_of(first);
    let fits = |key: &Value| matches!(kind, "number" | "string") && kind_of(key) == kind;
    if let Some((odd, _)) = keyed.iter().find(|(key, _)| !fits(key)) {
        return Err(wrong(name, odd, &["number", "string"]));
    }
    let wanted = if name == "max_by" { Ordering::Greater } else { Ordering::Less };
    if name == "sort_by" {
        keyed.sort_by(|(one, _), (other, _)| order(one, other).unwrap_or(Ordering::Equal));
        return Ok(Value::Array(keyed.into_iter().map(|(_, item)| item).collect()));
    }
    let best = keyed.into_iter().reduce(|best, next| if order(&next.0, &best.0) == Some(wanted) { next } else { best });
    Ok(best.map_or(Value::Null, |(_, item)| item))
}

/// The order of two numbers or two texts.
#[expect(clippy::cast_precision_loss, reason = "numbers that high are not counted by AWS")]
pub(super) fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Int(one), Value::Float(other)) => (*one as f64).partial_cmp(other),
        (Value::Float(one), Value::Int(other)) => one.partial_cmp(&(*other as f64)),
        (Value::Float(one), Value::Float(other)) => one.partial_cmp(other),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it saturates, where Python's integers go on")]
fn whole(value: f64) -> Value {
    Value::Int(value as i64)
}

#[expect(clippy::cast_precision_loss, reason = "as in Python, the result is a float")]
fn average(items: &[Value]) -> Value {
    match sum(items) {
        _ if items.is_empty() => Value::Null,
        Value::Int(sum) => Value::Float(sum as f64 / items.len() as f64),
        Value::Float(sum) => Value::Float(sum / items.len() as f64),
        _ => Value::Null,
    }
}

#[expect(clippy::cast_precision_loss, reason = "as in Python, one float makes the sum a float")]
fn sum(items: &[Value]) -> Value {
    items.iter().fold(Value::Int(0), |sum, item| match (sum, item) {
        (Value::Int(sum), Value::Int(item)) => Value::Int(sum.saturating_add(*item)),
        (Value::Int(sum), Value::Float(item)) => Value::Float(sum as f64 + item),
        (Value::Float(sum), Value::Int(item)) => Value::Float(sum + *item as f64),
        (Value::Float(sum), Value::Float(item)) => Value::Float(sum + item),
        (sum, _) => sum,
    })
}

fn extreme(items: Vec<Value>, wanted: Ordering) -> Value {
    let better = |best, next| if order(&next, &best) == Some(wanted) { next } else { best };
    items.into_iter().reduce(better).unwrap_or(Value::Null)
}

fn contains(holder: &Value, wanted: &Value) -> bool {
    match (holder, wanted) {
        (Value::Array(items), wanted) => items.iter().any(|item| equal(item, wanted)),
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        _ => false,
    }
}

fn with_text(first: &Value, second: Option<Value>, then: impl FnOnce(&str, &str) -> Value) -> Value {
    match (first, second) {
        (Value::String(text), Some(Value::String(part))) => then(text, &part),
        _ => Value::Null,
    }
}

fn join(glue: &Value, items: Option<Value>) -> Value {
    let Some(Value::Array(items)) = items else { return Value::Null };
    Value::String(items.iter().map(Value::text).collect::<Vec<_>>().join(&glue.text()))
}

fn length(value: &Value) -> i64 {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
    };
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn to_number(value: Value) -> Value {
    match value {
        number @ (Value::Int(_) | Value::Float(_)) => number,
        Value::String(text) => match super::number::int(&text) {
            Ok(number) => Value::Int(number),
            Err(_) => text.trim().parse().map_or(Value::Null, Value::Float),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Value::Null,
    }
}
