//! This module owns the rules by which Python's argparse reads a command line, which are those of the AWS CLI v1.
//!
//! Scripts rely on them: options may be shortened to any unambiguous prefix, stand anywhere, be repeated (the last one wins),
//! and take their value after `=` or as the next word. What a parser does not know is left for the next one. (Python 3.11,
//! `argparse.ArgumentParser.parse_known_args`.)

use std::collections::BTreeMap;

use super::python::quoted;

/// How many words an option or a positional takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// None: it is a switch.
    Nothing,
    /// Exactly one.
    One,
    /// One or none; without one, the value is this.
    Optional(&'static str),
}

/// An option, as a parser knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opt {
    /// Its name, with the dashes.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) takes: Takes,
    /// The values it may have; any if empty.
    pub(super) choices: &'static [&'static str],
    /// Whether it must be given.
    pub(super) required: bool,
}

impl Opt {
    pub(super) const fn new(name: &'static str, takes: Takes) -> Self {
        Self { name, takes, choices: &[], required: false }
    }
}

/// The one positional argument of a parser.
#[derive(Clone, Copy, Debug)]
pub(super) struct Positional {
    /// Its name in messages.
    pub(super) name: &'static str,
    /// Whether it must be given.
    pub(super) required: bool,
    /// The values it may have; any if empty.
    pub(super) choices: &'static [&'static str],
}

/// What a parser made of its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// The options that were given, by name. A switch has an empty value.
    pub(super) options: BTreeMap<&'static str, String>,
    /// The positional argument.
    pub(super) positional: Option<String>,
    /// What the parser does not know, in order.
    pub(super) rest: Vec<String>,
}

/// An argument as it is first looked at.
enum Word {
    /// An option: which, and what stands behind its `=`. An unknown one is left for the next parser.
    Option(Option<(&'static str, Option<String>)>),
    /// Two dashes alone, the first time.
    Dashes,
    /// Anything else.
    Plain,
}

/// Reads the arguments. `seen` is called for each known option in turn, and may end the parsing, as `--version` does.
///
/// # Errors
///
/// The message behind `error: `, when the command line is wrong.
pub(super) fn parse_known(arguments: &[String], options: &[Opt], positional: Positional) -> Result<Parsed, String> {
    let words = classify(arguments, options)?;
    let mut reader = Reader { arguments, words: &words, options, positional, open: true, parsed: Parsed::default() };
    reader.read()?;
    let Reader { parsed, .. } = reader;
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
    let begun = |option: &&Opt| name.starts_with("--") && option.name.starts_with(name);
    let mut found = options.iter().filter(begun);
    match (found.next(), found.count()) {
        (Some(option), 0) => Ok(Word::Option(Some((option.name, value)))),
        (Some(_), _) => {
            let names: Vec<&str> = options.iter().filter(begun).map(|option| option.name).collect();
            Err(format!("ambiguous option: {argument} could match {}", names.join(", ")))
        }
        (None, _) if is_negative_number(argument) || argument.contains(' ') => Ok(Word::Plain),
        (None, _) => Ok(Word::Option(None)),
    }
}

/// `-5` and `-.5` are values, because no option looks like a number.
fn is_negative_number(argument: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match argument[1..].split_once('.') {
        None => argument.len() > 1 && digits(&argument[1..]),
        Some((whole, fraction)) => digits(whole) && !fraction.is_empty() && digits(fraction),
    }
}

struct Reader<'a> {
    arguments: &'a [String],
    words: &'a [Word],
    options: &'a [Opt],
    positional: Positional,
    /// Whether the positional argument is still to come.
    open: bool,
    parsed: Parsed,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), String> {
        let last = self.words.iter().rposition(|word| matches!(word, Word::Option(_)));
        let mut at = 0;
        while last.is_some_and(|last| at <= last) {
            if !matches!(self.words[at], Word::Option(_)) {
                let after = self.take_positional(at)?;
                if after > at {
                    at = after;
                    continue;
                }
                // Up to the next option, nobody here wants these.
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

    /// Takes the positional argument if it starts here, and says where to go on.
    fn take_positional(&mut self, at: usize) -> Result<usize, String> {
        if !self.open {
            return Ok(at);
        }
        let dashes = usize::from(matches!(self.words.get(at), Some(Word::Dashes)));
        let value = at + dashes;
        if !matches!(self.words.get(value), Some(Word::Plain)) {
            // One that may be missing is missing if it is not here.
            self.open = self.positional.required;
            return Ok(if self.open { at } else { value });
        }
        self.open = false;
        let text = self.arguments[value].clone();
        check(self.positional.name, self.positional.choices, &text)?;
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
        // Dashes alone in front of a value are passed over.
        let dashes = usize::from(matches!(self.words.get(at + 1), Some(Word::Dashes)));
        let next = at + 1 + dashes;
        let follows = matches!(self.words.get(next), Some(Word::Plain));
        let (value, after) = match (option.takes, attached) {
            (Takes::Nothing, None) => (String::new(), at + 1),
            (Takes::Nothing, Some(value)) => {
                return Err(format!("argument {name}: ignored explicit argument {}", quoted(value)));
            }
            (Takes::One | Takes::Optional(_), Some(value)) => (value.clone(), at + 1),
            (Takes::One | Takes::Optional(_), None) if follows => (self.arguments[next].clone(), next + 1),
            (Takes::One, None) => return Err(format!("argument {name}: expected one argument")),
            (Takes::Optional(otherwise), None) => (otherwise.to_owned(), at + 1),
        };
        check(name, option.choices, &value)?;
        self.parsed.options.insert(option.name, value);
        Ok(after)
    }
}

fn check(name: &str, choices: &[&str], value: &str) -> Result<(), String> {
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
        Opt::new("--debug", Takes::Nothing),
        Opt { choices: &["json", "text"], ..Opt::new("--output", Takes::One) },
        Opt::new("--cli-read-timeout", Takes::One),
        Opt::new("--cli-connect-timeout", Takes::One),
        Opt::new("--skeleton", Takes::Optional("input")),
    ];
    const COMMAND: Positional = Positional { name: "command", required: true, choices: &["iam"] };
    const HELP: Positional = Positional { name: "help", required: false, choices: &[] };

    fn parse(line: &str, positional: Positional) -> Result<(String, Option<String>, String), String> {
        let arguments: Vec<String> = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let parsed = parse_known(&arguments, &OPTIONS, positional)?;
        let options: Vec<String> = parsed.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok((options.join(" "), parsed.positional, parsed.rest.join(" ")))
    }

    /// The right column was read off `argparse` of Python 3.11 with the same options.
    #[test]
    fn words_fall_where_argparse_lets_them_fall() {
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
    fn what_is_wrong_is_said_in_the_words_of_argparse() {
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
