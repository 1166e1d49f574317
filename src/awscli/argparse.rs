//! A command line parser with the rules of Python's argparse, which the AWS CLI v1 uses.
//!
//! Scripts rely on these rules. Options can be shortened to any unambiguous prefix, can stand anywhere, and can be repeated (the
//! last one applies). The value comes after `=` or as the next argument. A parser leaves unknown arguments to the next parser
//! (Python 3.11, `argparse.ArgumentParser.parse_known_args`).

use std::collections::BTreeMap;

use crate::python::quoted;

/// How many values an option takes.
#[derive(Clone, Copy)]
pub(super) enum Arity {
    /// No value.
    Switch,
    /// Exactly one value.
    One,
    /// One value or none. Without a value, the option has this default.
    Optional(&'static str),
}

/// An option or the positional argument of a parser.
#[derive(Clone, Copy)]
pub(super) struct Parameter {
    /// The name. The name of an option includes its dashes.
    pub(super) name: &'static str,
    pub(super) arity: Arity,
    /// The accepted values. If the list is empty, every value is accepted.
    pub(super) choices: &'static [&'static str],
    pub(super) required: bool,
}

impl Parameter {
    pub(super) const fn new(name: &'static str, arity: Arity) -> Self {
        Self { name, arity, choices: &[], required: false }
    }
}

/// The result of a parser.
#[derive(Default)]
pub(super) struct Parsed {
    /// The values of the options by name. The value of a switch is empty.
    pub(super) options: BTreeMap<&'static str, String>,
    pub(super) positional: Option<String>,
    /// The unknown arguments, in order.
    pub(super) rest: Vec<String>,
}

/// The kind of an argument.
enum Word<'a> {
    /// A known option, with the value after `=` if the argument contains a `=`; `None` for an unknown option.
    Option(Option<(&'a Parameter, Option<&'a str>)>),
    /// The first `--`.
    Dashes,
    /// Any other argument.
    Plain,
}

/// Parses the arguments. The error is the message after `error: `.
pub(super) fn parse_known(
    arguments: &[String],
    options: &[Parameter],
    positional: Parameter,
) -> Result<Parsed, String> {
    let mut words = Vec::with_capacity(arguments.len());
    for argument in arguments {
        words.push(match argument.as_str() {
            _ if words.iter().any(|word| matches!(word, Word::Dashes)) => Word::Plain,
            "--" => Word::Dashes,
            argument => classify(argument, options)?,
        });
    }
    let mut parser = Parser { arguments, words, positional, open: true, parsed: Parsed::default() };
    parser.parse()?;
    let parsed = parser.parsed;
    let missing: Vec<&str> = options
        .iter()
        .filter(|option| option.required && !parsed.options.contains_key(option.name))
        .chain((positional.required && parsed.positional.is_none()).then_some(&positional))
        .map(|missing| missing.name)
        .collect();
    if missing.is_empty() {
        Ok(parsed)
    } else {
        Err(format!("the following arguments are required: {}", missing.join(", ")))
    }
}

fn classify<'a>(argument: &'a str, options: &'a [Parameter]) -> Result<Word<'a>, String> {
    if !argument.starts_with('-') || argument.len() == 1 {
        return Ok(Word::Plain);
    }
    let (name, value) = argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value)));
    if let Some(option) = options.iter().find(|option| option.name == name) {
        return Ok(Word::Option(Some((option, value))));
    }
    let has_prefix = |option: &&Parameter| name.starts_with("--") && option.name.starts_with(name);
    match *options.iter().filter(has_prefix).collect::<Vec<_>>() {
        [option] => Ok(Word::Option(Some((option, value)))),
        [] if is_negative_number(argument) || argument.contains(' ') => Ok(Word::Plain),
        [] => Ok(Word::Option(None)),
        ref several => {
            let names: Vec<&str> = several.iter().map(|option| option.name).collect();
            Err(format!("ambiguous option: {argument} could match {}", names.join(", ")))
        }
    }
}

/// Whether an argument that begins with a dash is a negative number. A negative number is a value, because no option looks like a
/// number.
fn is_negative_number(argument: &str) -> bool {
    let (whole, fraction) = argument[1..].split_once('.').unwrap_or(("", &argument[1..]));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole) && !fraction.is_empty() && digits(fraction)
}

struct Parser<'a> {
    arguments: &'a [String],
    words: Vec<Word<'a>>,
    positional: Parameter,
    /// Whether the positional argument is still expected.
    open: bool,
    parsed: Parsed,
}

impl Parser<'_> {
    fn parse(&mut self) -> Result<(), String> {
        let last = self.words.iter().rposition(|word| matches!(word, Word::Option(_)));
        let mut at = 0;
        while last.is_some_and(|last| at <= last) {
            if !matches!(self.words[at], Word::Option(_)) {
                let after = self.take_positional(at)?;
                if after > at {
                    at = after;
                    continue;
                }
                // The arguments up to the next option are left to the next parser.
                while !matches!(self.words[at], Word::Option(_)) {
                    self.parsed.rest.push(self.arguments[at].clone());
                    at += 1;
                }
            }
            at = self.take_option(at)?;
        }
        at = self.take_positional(at)?;
        self.parsed.rest.extend(self.arguments[at..].iter().cloned());
        Ok(())
    }

    /// Takes the positional argument if it is at this index, and returns the index of the next argument.
    fn take_positional(&mut self, at: usize) -> Result<usize, String> {
        if !self.open {
            return Ok(at);
        }
        let dashes = usize::from(matches!(self.words.get(at), Some(Word::Dashes)));
        let value = at + dashes;
        if !matches!(self.words.get(value), Some(Word::Plain)) {
            // An optional positional argument that is not at this index counts as missing, and is not expected any more.
            self.open = self.positional.required;
            return Ok(if self.open { at } else { value });
        }
        self.open = false;
        let text = self.arguments[value].clone();
        check_choice(self.positional, &text)?;
        self.parsed.positional = Some(text);
        Ok(value + 1)
    }

    fn take_option(&mut self, at: usize) -> Result<usize, String> {
        let Word::Option(known) = &self.words[at] else { return Ok(at) };
        let Some((option, attached)) = *known else {
            self.parsed.rest.push(self.arguments[at].clone());
            return Ok(at + 1);
        };
        let name = option.name;
        // `--` before a value is skipped.
        let dashes = usize::from(matches!(self.words.get(at + 1), Some(Word::Dashes)));
        let next = at + 1 + dashes;
        let follows = matches!(self.words.get(next), Some(Word::Plain));
        let (value, after) = match (option.arity, attached) {
            (Arity::Switch, None) => (String::new(), at + 1),
            (Arity::Switch, Some(value)) => {
                return Err(format!("argument {name}: ignored explicit argument {}", quoted(value)));
            }
            (Arity::One | Arity::Optional(_), Some(value)) => (value.to_owned(), at + 1),
            (Arity::One | Arity::Optional(_), None) if follows => (self.arguments[next].clone(), next + 1),
            (Arity::One, None) => return Err(format!("argument {name}: expected one argument")),
            (Arity::Optional(default), None) => (default.to_owned(), at + 1),
        };
        check_choice(*option, &value)?;
        self.parsed.options.insert(name, value);
        Ok(after)
    }
}

fn check_choice(Parameter { name, choices, .. }: Parameter, value: &str) -> Result<(), String> {
    if choices.is_empty() || choices.contains(&value) {
        return Ok(());
    }
    let lines: Vec<String> = choices
        .chunks(2)
        .map(|pair| pair.iter().map(|choice| format!("{choice:<40}")).collect::<Vec<_>>().join(" | "))
        .collect();
    let mut message = format!("argument {name}: Invalid choice, valid choices are:\n\n{}", lines.join("\n"));
    let near: Vec<&&str> =
        choices.iter().filter(|choice| strsim::normalized_damerau_levenshtein(value, choice) > 0.7).collect();
    if !near.is_empty() {
        message.push_str(&format!("\n\n\nInvalid choice: {}, maybe you meant:\n", quoted(value)));
        for choice in near {
            message.push_str(&format!("\n  * {choice}"));
        }
    }
    Err(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: [Parameter; 5] = [
        Parameter::new("--debug", Arity::Switch),
        Parameter { choices: &["json", "text"], ..Parameter::new("--output", Arity::One) },
        Parameter::new("--cli-read-timeout", Arity::One),
        Parameter::new("--cli-connect-timeout", Arity::One),
        Parameter::new("--skeleton", Arity::Optional("input")),
    ];
    const COMMAND: Parameter = Parameter { required: true, choices: &["iam"], ..Parameter::new("command", Arity::One) };
    const HELP: Parameter = Parameter::new("help", Arity::One);

    fn parse(line: &str, positional: Parameter) -> Result<(String, Option<String>, String), String> {
        let arguments: Vec<String> = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let parsed = parse_known(&arguments, &OPTIONS, positional)?;
        let options: Vec<String> = parsed.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok((options.join(" "), parsed.positional, parsed.rest.join(" ")))
    }

    /// The right columns are the results of `argparse` in Python 3.11 with the same options.
    #[test]
    fn arguments_are_parsed_as_by_argparse() {
        for (line, options, command, rest) in [
            ("iam", "", "iam", ""),
            ("--output json iam x", "--output=json", "iam", "x"),
            ("iam x --output=text y --debug", "--debug= --output=text", "iam", "x y"),
            ("iam --out json --out text", "--output=text", "iam", ""),
            ("iam --unknown value --deb", "--debug=", "iam", "--unknown value"),
            ("iam --cli-read-timeout -5", "--cli-read-timeout=-5", "iam", ""),
            ("iam --skeleton", "--skeleton=input", "iam", ""),
            ("iam --skeleton output", "--skeleton=output", "iam", ""),
            ("iam --skeleton --debug", "--debug= --skeleton=input", "iam", ""),
            ("iam x -- --debug", "", "iam", "x -- --debug"),
            ("-x iam", "", "iam", "-x"),
        ] {
            let expected = (options.to_owned(), Some(command.to_owned()), rest.to_owned());
            assert_eq!(parse(line, COMMAND), Ok(expected), "{line}");
        }
        assert_eq!(parse("--debug extra", HELP), Ok(("--debug=".into(), Some("extra".into()), String::new())));
        assert_eq!(parse("a b --debug", HELP), Ok(("--debug=".into(), Some("a".into()), "b".into())));
        assert_eq!(parse("--debug", HELP), Ok(("--debug=".into(), None, String::new())));
    }

    #[test]
    fn errors_have_the_messages_of_argparse() {
        for (line, message) in [
            ("", "the following arguments are required: command"),
            ("iam --cli x", "ambiguous option: --cli could match --cli-read-timeout, --cli-connect-timeout"),
            ("iam --cli=x", "ambiguous option: --cli=x could match --cli-read-timeout, --cli-connect-timeout"),
            ("iam --output", "argument --output: expected one argument"),
            ("iam --output --debug", "argument --output: expected one argument"),
            ("iam --debug=x", "argument --debug: ignored explicit argument 'x'"),
        ] {
            assert_eq!(parse(line, COMMAND), Err(message.to_owned()), "{line}");
        }
        let choice = parse("iam --output yaml", COMMAND).unwrap_err();
        assert!(choice.starts_with("argument --output: Invalid choice, valid choices are:\n\njson "), "{choice}");
        assert!(parse("iam --output jsn", COMMAND).unwrap_err().ends_with("  * json"));
    }
}
