//! The subset of JavaScript's regular expressions that isbot's patterns are written in.
//!
//! Matching is without regard to case (flag `i`) and by UTF-16 unit (no flag `u`), in which no
//! letter beyond ASCII is folded onto an ASCII one, so folding is ASCII folding. Greedy and lazy
//! repetition are one: whether there is a match does not depend on it.

/// A set of characters.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// One bit per ASCII character, both cases of a letter set.
    pub ascii: u128,
    /// Whether every character beyond ASCII is in it.
    pub beyond: bool,
}

/// A condition that takes up no characters.
#[derive(Clone, Debug)]
pub enum Assert {
    /// `^`
    Start,
    /// `$`
    End,
    /// `\b`
    WordEdge,
    /// `(?!a|b)`: none of these words follows.
    NotBefore(Vec<String>),
    /// `(?<!a|b)`: none of these words precedes.
    NotAfter(Vec<String>),
}

/// A pattern.
#[derive(Clone, Debug)]
pub enum Node {
    /// One character.
    Set(Set),
    /// No character.
    Assert(Assert),
    /// One after the other.
    Concat(Vec<Node>),
    /// Any one.
    Alt(Vec<Node>),
    /// `min` to `max` times; without bound if there is no `max`.
    Repeat {
        /// What is repeated.
        body: Box<Node>,
        /// How often at least.
        min: usize,
        /// How often at most.
        max: Option<usize>,
    },
}

impl Set {
    /// Every character.
    pub const ANY: Set = Set {
        ascii: u128::MAX,
        beyond: true,
    };

    fn of(chars: impl IntoIterator<Item = u8>) -> Set {
        let fold = |byte: u8| 1 << byte.to_ascii_lowercase() | 1 << byte.to_ascii_uppercase();
        let ascii = chars
            .into_iter()
            .fold(0, |set: u128, byte| set | fold(byte));
        Set {
            ascii,
            beyond: false,
        }
    }

    /// The lower-case byte, if it is one character (in both its cases).
    pub fn as_byte(&self) -> Option<u8> {
        let first = self.ascii.trailing_zeros() as u8;
        let one = !self.beyond && first < 128 && *self == Set::of([first]);
        one.then(|| first.to_ascii_lowercase())
    }

    /// The keys (see `key` in build.rs) of its ASCII characters, ascending.
    pub fn keys(&self) -> Vec<usize> {
        let bytes = (0..128u8).filter(|byte| self.ascii >> byte & 1 == 1);
        let mut keys: Vec<usize> = bytes.map(super::key).collect();
        if self.beyond {
            keys.extend(0..128);
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

impl Node {
    /// Whether its matches can be of any length.
    pub fn is_unbounded(&self) -> bool {
        match self {
            Node::Set(_) | Node::Assert(_) => false,
            Node::Concat(nodes) | Node::Alt(nodes) => nodes.iter().any(Node::is_unbounded),
            Node::Repeat { body, max, .. } => max.is_none() || body.is_unbounded(),
        }
    }

    /// What it is a sequence of; itself alone if it is none.
    pub fn parts(&self) -> &[Node] {
        match self {
            Node::Concat(parts) => parts,
            one => std::slice::from_ref(one),
        }
    }
}

/// Parses a whole pattern.
///
/// # Errors
/// Names the construct that is not known.
pub fn parse(pattern: &str) -> Result<Node, String> {
    let mut parser = Parser { rest: pattern };
    let node = parser.alternatives()?;
    match parser.rest {
        "" => Ok(node),
        rest => Err(format!("unmatched {rest:?}")),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The next character, ASCII or nothing known.
    fn next(&mut self) -> Result<u8, String> {
        let char = self.rest.chars().next().ok_or("ends too early")?;
        self.rest = &self.rest[char.len_utf8()..];
        u8::try_from(char)
            .ok()
            .filter(u8::is_ascii)
            .ok_or_else(|| format!("{char:?}"))
    }

    fn alternatives(&mut self) -> Result<Node, String> {
        let mut branches = vec![self.sequence()?];
        while self.take("|") {
            branches.push(self.sequence()?);
        }
        Ok(if branches.len() == 1 {
            branches.remove(0)
        } else {
            Node::Alt(branches)
        })
    }

    fn sequence(&mut self) -> Result<Node, String> {
        let mut parts = Vec::new();
        while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
            let atom = self.atom()?;
            let part = self.repeated(atom)?;
            parts.push(part);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Node::Concat(parts)
        })
    }

    fn atom(&mut self) -> Result<Node, String> {
        if self.take("(?:") {
            let group = self.alternatives()?;
            return if self.take(")") {
                Ok(group)
            } else {
                Err("group not closed".to_owned())
            };
        }
        if self.take("(?!") {
            return Ok(Node::Assert(Assert::NotBefore(self.words()?)));
        }
        if self.take("(?<!") {
            return Ok(Node::Assert(Assert::NotAfter(self.words()?)));
        }
        Ok(match self.next()? {
            b'^' => Node::Assert(Assert::Start),
            b'$' => Node::Assert(Assert::End),
            b'[' => Node::Set(self.class()?),
            b'\\' if self.take("b") => Node::Assert(Assert::WordEdge),
            b'\\' => Node::Set(self.escape()?),
            known @ (b'.' | b'(' | b'*' | b'+' | b'?' | b'{' | b'}' | b']') => {
                return Err(format!("{:?} before {:?}", char::from(known), self.rest));
            }
            byte => Node::Set(Set::of([byte])),
        })
    }

    /// What a backslash stands before, but for `\b`.
    fn escape(&mut self) -> Result<Set, String> {
        Ok(match self.next()? {
            b'd' => Set::of(b'0'..=b'9'),
            b'w' => {
                Set::of((0..128).filter(|&byte: &u8| byte.is_ascii_alphanumeric() || byte == b'_'))
            }
            // Spaces beyond ASCII are left out: no client sends them, and no header may carry them.
            b's' => Set::of([b' ', b'\t', b'\n', 0x0b, 0x0c, b'\r']),
            punctuation if punctuation.is_ascii_punctuation() => Set::of([punctuation]),
            other => return Err(format!("\\{}", char::from(other))),
        })
    }

    fn class(&mut self) -> Result<Set, String> {
        let negated = self.take("^");
        let mut set = Set::of([]);
        while !self.take("]") {
            let first = self.next()?;
            let escaped = first == b'\\';
            let mut part = if escaped {
                self.escape()?
            } else {
                Set::of([first])
            };
            // A `-` between two single characters is a range; after `\d` or at the end it is itself.
            let range = part.as_byte().is_some()
                && self.rest.starts_with('-')
                && !self.rest.starts_with("-]");
            if range {
                self.take("-");
                let last = self.next()?;
                if escaped || last == b'\\' || last < first {
                    return Err("range of escapes".to_owned());
                }
                part = Set::of(first..=last);
            }
            set.ascii |= part.ascii;
        }
        Ok(if negated {
            Set {
                ascii: !set.ascii,
                beyond: true,
            }
        } else {
            set
        })
    }

    /// The rest of a lookaround: plain words, nothing else.
    fn words(&mut self) -> Result<Vec<String>, String> {
        let node = if self.take("(?:") {
            let node = self.alternatives()?;
            if !self.take(")") {
                return Err("group not closed".to_owned());
            }
            node
        } else {
            self.alternatives()?
        };
        if !self.take(")") {
            return Err("lookaround of more than words".to_owned());
        }
        let branches = match node {
            Node::Alt(branches) => branches,
            one => vec![one],
        };
        let byte = |node: &Node| match node {
            Node::Set(set) => set.as_byte().map(char::from),
            _ => None,
        };
        let word = |branch: &Node| branch.parts().iter().map(byte).collect::<Option<String>>();
        branches
            .iter()
            .map(|branch| word(branch).ok_or_else(|| "lookaround of more than words".to_owned()))
            .collect()
    }

    fn repeated(&mut self, atom: Node) -> Result<Node, String> {
        let (min, max) = if self.take("*") {
            (0, None)
        } else if self.take("+") {
            (1, None)
        } else if self.take("?") {
            (0, Some(1))
        } else if self.take("{") {
            let (bounds, rest) = self.rest.split_once('}').ok_or("{ not closed")?;
            self.rest = rest;
            let number = |text: &str| text.parse::<usize>().map_err(|_| format!("{{{bounds}}}"));
            match bounds.split_once(',') {
                None => (number(bounds)?, Some(number(bounds)?)),
                Some((min, "")) => (number(min)?, None),
                Some((min, max)) => (number(min)?, Some(number(max)?)),
            }
        } else {
            return Ok(atom);
        };
        self.take("?");
        if matches!(atom, Node::Assert(_)) {
            return Err("repeated assertion".to_owned());
        }
        Ok(Node::Repeat {
            body: Box::new(atom),
            min,
            max,
        })
    }
}
