//! A command line parser with the rules of Python's argparse, which the AWS CLI v1 uses.
//!
//! Scripts rely on these rules: options may be shortened to any unambiguous prefix, stand anywhere, be repeated (the last one
//! wins), and have their value after `=` or as the next argument. A parser leaves unknown arguments to the next one (Python 3.11,
//! `argparse.ArgumentParser.parse_known_args`).

use std::collections::BTreeMap;

use super::python::quoted;

/// How many values an option takes.
#[derive(Clone, Copy)]
pub(super) enum Arity {
    /// None.
    Switch,
    /// Exactly one.
    One,
    /// One or none. This is the default.
    Optional(&'static str),
}

/// An option that a parser knows.
#[derive(Clone, Copy)]
pub(super) struct Opt {
    /// The name, with the dashes.
    pub(super) name: &'static str,
    pub(super) arity: Arity,
    /// The values that it accepts; any if empty.
    pub(super) choices: &'static [&'static str],
    pub(super) required: bool,
}

impl Opt {
    pub(super) const fn new(name: &'static str, arity: Arity) -> Self {
        Self { name, arity, choices: &[], required: false }
    }
}

/// The only positional argument of a parser.
#[derive(Clone, Copy)]
pub(super) struct Positional {
    /// The name in messages.
    pub(super) name: &'static str,
    pub(super) required: bool,
    /// The values that it accepts; any if empty.
    pub(super) choices: &'static [&'static str],
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
enum Word {
    /// An option: its full name, and its value after `=`; `None` if it is unknown.
    Option(Option<(&'static str, Option<String>)>),
    /// The first `--`.
    Dashes,
    /// Any other argument.
    Plain,
}

/// Parses the arguments. The error is the message after `error: `.
pub(super) fn parse_known(arguments: &[String], options: &[Opt], positional: Positional) -> Result<Parsed, String> {
    let words = classify(arguments, options)?;
    let mut parser = Parser { arguments, words: &words, options, positional, open: true, parsed: Parsed::default() };
    parser.parse()?;
    let Parser { parsed, .. } = parser;
    let missing: Vec<&str> = options
        .iter()
        .filter(|option| option.required && !parsed.options.contains_key(option.name))
        .map(|option| option.name)
        .chain((positional.required && parsed.positional.is_none()).then_some(positional.name))
        .collect();
    if missing.is_empty() {
        Ok(parsed)
    } else {
        Err(format!("the following arguments are required: {}", missing.join(", ")))
    }
}

fn classify(arguments: &[String], options: &[Opt]) -> Result<Vec<Word>, String> {
    let mut words = Vec::with_capacity(arguments.len());
    for argument in arguments {
        if words.iter().any(|word| matches!(word, Word::Dashes)) {
            words.push(Word::Plain);
        } else if argument == "--" {
            words.push(Word::Dashes);
        } else {
            words.push(classify_one(argument, options)?);
        }
    }
    Ok(words)
}

fn classify_one(argument: &str, options: &[Opt]) -> Result<Word, String> {
    if !argument.starts_with('-') || argument.len() == 1 {
        return Ok(Word::Plain);
    }
    let exact = |name: &str| options.iter().find(|option| option.name == name);
    if let Some(option) = exact(argument) {
        return Ok(Word::Option(Some((option.name, None))));
    }
    let (name, value) = match argument.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (argument, None),
    };
    if let Some(option) = exact(name) {
        return Ok(Word::Option(Some((option.name, value))));
    }
    let has_prefix = |option: &&Opt| name.starts_with("--") && option.name.starts_with(name);
    let mut matches = options.iter().filter(has_prefix);
    match (matches.next(), matches.count()) {
        (Some(option), 0) => Ok(Word::Option(Some((option.name, value)))),
        (Some(_), _) => {
            let names: Vec<&str> = options.iter().filter(has_prefix).map(|option| option.name).collect();
            Err(format!("ambiguous option: {argument} could match {}", names.join(", ")))
        }
        (None, _) if is_negative_number(argument) || argument.contains(' ') => Ok(Word::Plain),
        (None, _) => Ok(Word::Option(None)),
    }
}

/// Whether an argument is a value although it begins with a dash: no option looks like a number.
fn is_negative_number(argument: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match argument[1..].split_once('.') {
        None => argument.len() > 1 && digits(&argument[1..]),
        Some((whole, fraction)) => digits(whole) && !fraction.is_empty() && digits(fraction),
    }
}

struct Parser<'a> {
    arguments: &'a [String],
    words: &'a [Word],
    options: &'a [Opt],
    positional: Positional,
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
                // Arguments up to the next option are unknown to this parser.
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

    /// Arity the positional argument if it is here, and returns the index of the next argument.
    fn take_positional(&mut self, at: usize) -> Result<usize, String> {
        if !self.open {
            return Ok(at);
        }
        let dashes = usize::from(matches!(self.words.get(at), Some(Word::Dashes)));
        let value = at + dashes;
        if !matches!(self.words.get(value), Some(Word::Plain)) {
            // An optional one that is not here is missing.
            self.open = self.positional.required;
            return Ok(if self.open { at } else { value });
        }
        self.open = false;
        let text = self.arguments[value].clone();
        check_choice(self.positional.name, self.positional.choices, &text)?;
        self.parsed.positional = Some(text);
        Ok(value + 1)
    }

    fn take_option(&mut self, at: usize) -> Result<usize, String> {
        let Word::Option(known) = &self.words[at] else { return Ok(at) };
        let Some((name, attached)) = known else {
            self.parsed.rest.push(self.arguments[at].clone());
            return Ok(at + 1);
        };
        let option = self.options.iter().find(|option| option.name == *name).expect("it was found by its name");
        // `--` before a value is skipped.
        let dashes = usize::from(matches!(self.words.get(at + 1), Some(Word::Dashes)));
        let next = at + 1 + dashes;
        let follows = matches!(self.words.get(next), Some(Word::Plain));
        let (value, after) = match (option.arity, attached) {
            (Arity::Switch, None) => (String::new(), at + 1),
            (Arity::Switch, Some(value)) => {
                return Err(format!("argument {name}: ignored explicit argument {}", quoted(value)));
            }
            (Arity::One | Arity::Optional(_), Some(value)) => (value.clone(), at + 1),
            (Arity::One | Arity::Optional(_), None) if follows => (self.arguments[next].clone(), next + 1),
            (Arity::One, None) => return Err(format!("argument {name}: expected one argument")),
            (Arity::Optional(default), None) => (default.to_owned(), at + 1),
        };
        check_choice(name, option.choices, &value)?;
        self.parsed.options.insert(option.name, value);
        Ok(after)
    }
}

fn check_choice(name: &str, choices: &[&str], value: &str) -> Result<(), String> {
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

    const OPTIONS: [Opt; 5] = [
        Opt::new("--debug", Arity::Switch),
        Opt { choices: &["json", "text"], ..Opt::new("--output", Arity::One) },
        Opt::new("--cli-read-timeout", Arity::One),
        Opt::new("--cli-connect-timeout", Arity::One),
        Opt::new("--skeleton", Arity::Optional("input")),
    ];
    const COMMAND: Positional = Positional { name: "command", required: true, choices: &["iam"] };
    const HELP: Positional = Positional { name: "help", required: false, choices: &[] };

    fn parse(line: &str, positional: Positional) -> Result<(String, Option<String>, String), String> {
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
