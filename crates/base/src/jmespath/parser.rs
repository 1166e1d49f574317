//! Parses JMESPath expressions: exactly those that Python's jmespath 1.1 accepts, with the same meaning (`parser.py`).
//!
//! It is a Pratt parser. Each token has a power. The right side of an operator continues as long as the power of the next token
//! is greater than the operator's. Python's grammar is wider than the specification: commas may be missing between the arguments
//! of a function and between the entries of an object.

use super::ast::Ast;
use super::invalid::{Cause, InvalidQuery};
use super::lexer::{self, Kind, Token};

/// The maximum nesting of an expression. The parser and the evaluation recurse, and must not overflow the stack. Python's limit,
/// which comes from its own stack, is somewhat higher.
pub(super) const DEEPEST: usize = 200;

/// The minimum power of a token that continues a projection. A token with less power ends the projection.
const PROJECTION: u8 = 10;

const STAR: u8 = 20;
const DOT: u8 = 40;
const NOT: u8 = 45;

/// Parses an expression.
pub(super) fn parse(text: &str) -> Result<Ast, InvalidQuery> {
    if text.is_empty() {
        return Err(InvalidQuery::other("cannot be empty", None));
    }
    let mut parser = Parser { text, tokens: lexer::tokens(text)?, next: 0, depth: 0 };
    let ast = parser.expression(0)?;
    match parser.peek() {
        Kind::End => Ok(ast),
        other => {
            let message = format!("Unexpected token: {}", other.in_python().1);
            Err(parser.refused(parser.next, &message, Cause::Unexpected))
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// The last token is `End`, and `next` never passes it.
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Kind {
        &self.tokens[self.next].kind
    }

    /// Whether the token after the next one is of this kind.
    fn is_second(&self, kind: &Kind) -> bool {
        self.tokens.get(self.next + 1).is_some_and(|token| token.kind == *kind)
    }

    /// Takes the next token, if it is of this kind.
    fn take(&mut self, kind: &Kind) -> bool {
        let is_there = self.peek() == kind;
        self.next += usize::from(is_there);
        is_there
    }

    /// Takes the next token, which must be of this kind.
    fn must_take(&mut self, kind: &Kind, words: &'static str) -> Result<(), InvalidQuery> {
        if self.take(kind) { Ok(()) } else { Err(self.expected(kind.in_python().0, words)) }
    }

    fn expression(&mut self, power: u8) -> Result<Ast, InvalidQuery> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(InvalidQuery::other(&format!("is nested more than {DEEPEST} levels deep"), None));
        }
        let mut left = self.first()?;
        while power < power_of(self.peek()) {
            left = self.operation(left)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// Parses the first operand of an expression, including an operator before it, such as `!`.
    fn first(&mut self) -> Result<Ast, InvalidQuery> {
        let token = self.tokens[self.next].kind.clone();
        if token == Kind::End {
            return Err(self.incomplete());
        }
        self.next += 1;
        Ok(match token {
            Kind::Literal(value) => Ast::Literal(value),
            Kind::QuotedName(_) if *self.peek() == Kind::LeftParenthesis => {
                let message = "Quoted identifier not allowed for function names.";
                let cause = Cause::Other("the name of a function has no quotation marks".to_owned());
                // In this message, Python gives the position of the expression's first character.
                let in_full = self.in_full(&Token { at: 0, ..self.tokens[self.next].clone() }, message);
                return Err(InvalidQuery { cause, at: Some(self.tokens[self.next - 1].at), in_full });
            }
            Kind::Name(name) | Kind::QuotedName(name) => Ast::Field(name),
            Kind::Current => Ast::Current,
            Kind::Star if *self.peek() == Kind::RightBracket => Ast::Values(Box::new(Ast::Current)),
            Kind::Star => Ast::Values(self.projected(STAR)?),
            Kind::Filter => self.filter(Ast::Current)?,
            Kind::Flatten => self.flatten(Ast::Current)?,
            Kind::LeftBrace => self.object()?,
            Kind::LeftBracket => match self.peek() {
                Kind::Number(_) | Kind::Colon => self.index_or_slice(Ast::Current)?,
                Kind::Star if self.is_second(&Kind::RightBracket) => {
                    self.next += 2;
                    Ast::Items(self.projected(STAR)?)
                }
                _ => self.list()?,
            },
            Kind::LeftParenthesis => {
                let inner = self.expression(0)?;
                self.must_take(&Kind::RightParenthesis, "`)`")?;
                inner
            }
            Kind::Not => Ast::Not(Box::new(self.expression(NOT)?)),
            Kind::Reference => Ast::Reference(Box::new(self.expression(0)?)),
            _ => return Err(self.refused(self.next - 1, "invalid token", Cause::Unexpected)),
        })
    }

    /// Parses the operator after `left`, and the operator's right side.
    fn operation(&mut self, left: Ast) -> Result<Ast, InvalidQuery> {
        let operator = self.peek().clone();
        let power = power_of(&operator);
        self.next += 1;
        Ok(match operator {
            Kind::Dot if self.take(&Kind::Star) => {
                let each = self.projected(DOT)?;
                left.then(Ast::Values(each))
            }
            Kind::Dot => {
                let right = self.after_dot(DOT)?;
                left.then(right)
            }
            Kind::Pipe => {
                let right = self.expression(power)?;
                left.then(right)
            }
            Kind::Or => left.or(self.expression(power)?),
            Kind::And => left.and(self.expression(power)?),
            Kind::Comparator(comparator) => left.compared(comparator, self.expression(power)?),
            Kind::Filter => self.filter(left)?,
            Kind::Flatten => self.flatten(left)?,
            Kind::LeftBracket if matches!(self.peek(), Kind::Number(_) | Kind::Colon) => self.index_or_slice(left)?,
            Kind::LeftBracket => {
                self.must_take(&Kind::Star, "a number, `:`, or `*`")?;
                self.must_take(&Kind::RightBracket, "`]`")?;
                let each = self.projected(STAR)?;
                left.then(Ast::Items(each))
            }
            Kind::LeftParenthesis => self.call(left)?,
            _ => return Err(self.refused(self.next - 1, "invalid token", Cause::Unexpected)),
        })
    }

    fn flatten(&mut self, left: Ast) -> Result<Ast, InvalidQuery> {
        let each = self.projected(power_of(&Kind::Flatten))?;
        Ok(left.then(Ast::FlattenedItems(each)))
    }

    fn filter(&mut self, left: Ast) -> Result<Ast, InvalidQuery> {
        let condition = Box::new(self.expression(0)?);
        self.must_take(&Kind::RightBracket, "`]`")?;
        let each = match self.peek() {
            Kind::Flatten => Box::new(Ast::Current),
            _ => self.projected(power_of(&Kind::Filter))?,
        };
        Ok(left.then(Ast::Filter { condition, each }))
    }

    fn index_or_slice(&mut self, left: Ast) -> Result<Ast, InvalidQuery> {
        if let (Kind::Number(index), false) = (self.peek(), self.is_second(&Kind::Colon)) {
            let index = Ast::Index(*index);
            self.next += 1;
            self.must_take(&Kind::RightBracket, "`]`")?;
            return Ok(left.then(index));
        }
        let slice = self.slice()?;
        if left.ends_with_index() {
            return Ok(left.then(slice));
        }
        let each = self.projected(STAR)?;
        Ok(left.then(slice).then(Ast::Items(each)))
    }

    fn slice(&mut self) -> Result<Ast, InvalidQuery> {
        let at = self.tokens[self.next].at;
        let mut bounds = [None; 3];
        let mut bound = 0;
        loop {
            match self.peek() {
                Kind::RightBracket => break,
                Kind::Colon if bound < 2 => bound += 1,
                // As in Python, the last of several numbers for one bound counts.
                Kind::Number(number) => bounds[bound] = Some(*number),
                _ => return Err(self.refused(self.next, "syntax error", Cause::Expected("a number, `:`, or `]`"))),
            }
            self.next += 1;
        }
        self.next += 1;
        let [from, to, step] = bounds;
        Ok(Ast::Slice { from, to, step, at })
    }

    fn call(&mut self, left: Ast) -> Result<Ast, InvalidQuery> {
        let name_at = self.next.saturating_sub(2);
        let Ast::Field(name) = left else {
            let message = format!("Invalid function name '{}'", self.tokens[name_at].kind.in_python().1);
            return Err(self.refused(name_at, &message, Cause::Other("this is not the name of a function".to_owned())));
        };
        let mut arguments = Vec::new();
        while !self.take(&Kind::RightParenthesis) {
            arguments.push(self.expression(0)?);
            self.take(&Kind::Comma);
        }
        Ok(Ast::Call { name, arguments, at: self.tokens[name_at].at })
    }

    fn list(&mut self) -> Result<Ast, InvalidQuery> {
        let mut items = vec![self.expression(0)?];
        while !self.take(&Kind::RightBracket) {
            self.must_take(&Kind::Comma, "`,` or `]`")?;
            items.push(self.expression(0)?);
        }
        Ok(Ast::List(items))
    }

    fn object(&mut self) -> Result<Ast, InvalidQuery> {
        let mut entries = Vec::new();
        loop {
            let (Kind::Name(key) | Kind::QuotedName(key)) = self.peek() else {
                return Err(self.expected("['quoted_identifier', 'unquoted_identifier']", "a key"));
            };
            let key = key.clone();
            self.next += 1;
            self.must_take(&Kind::Colon, "`:` after the key")?;
            entries.push((key, self.expression(0)?));
            if !self.take(&Kind::Comma) && self.take(&Kind::RightBrace) {
                return Ok(Ast::Object(entries));
            }
        }
    }

    /// Parses the expression that a projection evaluates on each item.
    fn projected(&mut self, power: u8) -> Result<Box<Ast>, InvalidQuery> {
        let each = match self.peek() {
            next if power_of(next) < PROJECTION => Ast::Current,
            Kind::LeftBracket | Kind::Filter => self.expression(power)?,
            Kind::Dot => {
                self.next += 1;
                self.after_dot(power)?
            }
            _ => return Err(self.refused(self.next, "syntax error", Cause::Unexpected)),
        };
        Ok(Box::new(each))
    }

    fn after_dot(&mut self, power: u8) -> Result<Ast, InvalidQuery> {
        match self.peek() {
            Kind::Name(_) | Kind::QuotedName(_) | Kind::Star => self.expression(power),
            Kind::LeftBracket => {
                self.next += 1;
                self.list()
            }
            Kind::LeftBrace => {
                self.next += 1;
                self.object()
            }
            other => {
                let names = "['quoted_identifier', 'unquoted_identifier', 'lbracket', 'lbrace']";
                let message = format!("Expecting: {names}, got: {}", other.in_python().0);
                Err(self.refused(self.next, &message, Cause::Expected("a name, `*`, `[`, or `{` after the dot")))
            }
        }
    }

    /// Returns the error for the next token, in whose place another token is expected.
    fn expected(&self, in_python: &str, words: &'static str) -> InvalidQuery {
        let cause = Cause::Expected(words);
        if *self.peek() == Kind::End {
            return InvalidQuery { cause, ..self.incomplete() };
        }
        let message = format!("Expecting: {in_python}, got: {}", self.peek().in_python().0);
        self.refused(self.next, &message, cause)
    }

    fn incomplete(&self) -> InvalidQuery {
        let at = self.text.chars().count();
        let underline = " ".repeat(at + 1);
        let in_full = format!("Invalid jmespath expression: Incomplete expression:\n\"{}\"\n{underline}^", self.text);
        InvalidQuery { cause: Cause::Unexpected, at: Some(at), in_full }
    }

    /// Returns the error for the token with this index.
    fn refused(&self, token: usize, message: &str, cause: Cause) -> InvalidQuery {
        let token = &self.tokens[token];
        InvalidQuery { cause, at: Some(token.at), in_full: self.in_full(token, message) }
    }

    /// Returns Python's message about a token.
    fn in_full(&self, Token { kind, at }: &Token, message: &str) -> String {
        let ((name, text), expression) = (kind.in_python(), self.text);
        let (name, underline) = (name.to_uppercase(), " ".repeat(at + 1));
        format!(
            "{message}: Parse error at column {at}, token \"{text}\" ({name}), for expression:\n\"{expression}\"\n{underline}^"
        )
    }
}

/// Returns the power of a token after a complete expression. A token with power 0 ends the expression.
const fn power_of(kind: &Kind) -> u8 {
    match kind {
        Kind::Pipe => 1,
        Kind::Or => 2,
        Kind::And => 3,
        Kind::Comparator(_) => 5,
        Kind::Flatten => 9,
        Kind::Star => STAR,
        Kind::Filter => 21,
        Kind::Dot => DOT,
        Kind::Not => NOT,
        Kind::LeftBrace => 50,
        Kind::LeftBracket => 55,
        Kind::LeftParenthesis => 60,
        _ => 0,
    }
}
