//! Pickles of plain data: numbers, texts, lists, dictionaries, and NumPy's arrays of them.
//!
//! A pickle is a program. Nothing of it is run here: of the classes and functions that it may name
//! the few are known that plain data need, and what each would make is made by hand; the first other
//! one ends the reading. Values are kept side by side and name each other by numbers, so that
//! nothing is copied and nothing goes deep, whatever the pickle says.

mod steps;

use crate::annotations::FormatError;

/// Values of a pickle. A hundred thousand photos of COCO+LVIS have some 3 million.
const MOST_VALUES: usize = 1 << 25;

/// A pickle that was read.
pub(super) struct Pickle {
    bytes: Vec<u8>,
    nodes: Vec<Node>,
    root: u32,
}

/// Where in the pickle's bytes something lies.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: usize,
    end: usize,
}

#[derive(Debug)]
enum Node {
    None,
    Truth,
    Whole(i64),
    Real(f64),
    Text(Span),
    Bytes(Span),
    /// Bytes that are written as a text.
    Made(Box<[u8]>),
    /// A list or a tuple.
    List(Vec<u32>),
    /// Keys and values by turns.
    Dictionary(Vec<u32>),
    Name(Name),
    /// Numbers of this kind; none before its state came.
    Array(Option<(Kind, u32)>),
    Kind(Kind),
}

/// What a pickle may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Dictionary,
    DefaultDictionary,
    Encode,
    Reconstruct,
    Scalar,
    Array,
    Kind,
    /// A type that is a factory of defaults.
    Type,
}

/// How an array's numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    /// `b` truth, `i` whole, `u` whole from 0 on, `f` real.
    letter: u8,
    size: u8,
    is_big_endian: bool,
}

impl Pickle {
    /// Reads a whole pickle.
    ///
    /// # Errors
    /// [`FormatError`]; memory is bounded by a small multiple of the bytes.
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, FormatError> {
        steps::walk(bytes, MOST_VALUES)
    }

    pub(super) fn root(&self) -> Value<'_> {
        Value { pickle: self, at: self.root }
    }

    fn node(&self, at: u32) -> &Node {
        self.nodes.get(at as usize).unwrap_or(&Node::None)
    }

    fn span(&self, span: Span) -> &[u8] {
        self.bytes.get(span.from..span.end).unwrap_or_default()
    }
}

/// A value of a pickle.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pickle: &'a Pickle,
    at: u32,
}

impl<'a> Value<'a> {
    fn node(self) -> &'a Node {
        self.pickle.node(self.at)
    }

    pub(super) fn is_none(self) -> bool {
        matches!(self.node(), Node::None)
    }

    pub(super) fn whole(self) -> Option<i64> {
        match self.node() {
            Node::Whole(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn number(self) -> Option<f64> {
        match self.node() {
            Node::Whole(number) => Some(*number as f64),
            Node::Real(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn text(self) -> Option<&'a str> {
        match self.node() {
            Node::Text(span) => std::str::from_utf8(self.pickle.span(*span)).ok(),
            _ => None,
        }
    }

    /// Bytes, or an array of them.
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self.node() {
            Node::Bytes(span) => Some(self.pickle.span(*span)),
            Node::Made(bytes) => Some(bytes),
            Node::Array(Some((kind, bytes))) if kind.letter == b'u' && kind.size == 1 => {
                match self.pickle.node(*bytes) {
                    Node::Bytes(span) => Some(self.pickle.span(*span)),
                    Node::Made(bytes) => Some(bytes),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Of a list or a tuple.
    pub(super) fn items(self) -> Option<impl Iterator<Item = Value<'a>>> {
        let Self { pickle, .. } = self;
        match self.node() {
            Node::List(items) => Some(items.iter().map(move |at| Value { pickle, at: *at })),
            _ => None,
        }
    }

    /// Keys and values of a dictionary; a key that comes twice means the later value.
    pub(super) fn pairs(self) -> Option<impl Iterator<Item = (Value<'a>, Value<'a>)>> {
        let Self { pickle, .. } = self;
        let value = move |at: &u32| Value { pickle, at: *at };
        match self.node() {
            Node::Dictionary(pairs) => {
                Some(pairs.as_chunks::<2>().0.iter().map(move |[key, of]| (value(key), value(of))))
            }
            _ => None,
        }
    }

    /// What lies under a key of a dictionary.
    pub(super) fn under(self, key: &str) -> Option<Value<'a>> {
        self.pairs()?.filter(|(name, _)| name.text() == Some(key)).last().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn read(pickle: &[u8]) -> Result<Pickle, String> {
        Pickle::read(pickle.to_vec()).map_err(|error| error.to_string())
    }

    /// `[(0, "a", 0.5), (1, "b", numpy.float32(0.25))]` and
    /// `([numpy.array([1, 2, 255], numpy.uint8)], [(0, 1)], None, True)`, as Python 3.11 with NumPy
    /// 2.4 writes them, with protocol 4 and 2.
    const SCORES: &[u8] =
        b"\x80\x04\x95\x83\0\0\0\0\0\0\0]\x94(K\0\x8c\x01a\x94G?\xe0\0\0\0\0\0\0\x87\x94K\x01\x8c\
        \x01b\x94\x8c\x16numpy._core.multiarray\x94\x8c\x06scalar\x94\x93\x94\x8c\x05numpy\x94\
        \x8c\x05dtype\x94\x93\x94\x8c\x02f4\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01<\x94NNNJ\xff\
        \xff\xff\xffJ\xff\xff\xff\xffK\0t\x94bC\x04\0\0\x80>\x94\x86\x94R\x94\x87\x94e.";
    const ARRAYS: &[u8] =
        b"\x80\x02(]q\0cnumpy._core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\0\x85q\
        \x03c_codecs\nencode\nq\x04X\x01\0\0\0bq\x05X\x06\0\0\0latin1q\x06\x86q\x07Rq\x08\x87q\
        \x09Rq\n(K\x01K\x03\x85q\x0bcnumpy\ndtype\nq\x0cX\x02\0\0\0u1q\r\x89\x88\x87q\x0eRq\x0f(\
        K\x03X\x01\0\0\0|q\x10NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tq\x11b\x89h\x04X\x04\0\0\
        \0\x01\x02\xc3\xbfq\x12h\x06\x86q\x13Rq\x14tq\x15ba]q\x16K\0K\x01\x86q\x17aN\x88tq\x18.";

    #[test]
    fn lists_of_numbers_and_arrays_are_read() {
        let pickle = read(SCORES).unwrap();
        let rows: Vec<_> = pickle
            .root()
            .items()
            .unwrap()
            .map(|row| {
                let parts: Vec<_> = row.items().unwrap().collect();
                (parts[0].whole(), parts[1].text(), parts[2].number())
            })
            .collect();
        assert_eq!(rows, [(Some(0), Some("a"), Some(0.5)), (Some(1), Some("b"), Some(0.25))]);
        let pickle = read(ARRAYS).unwrap();
        let parts: Vec<_> = pickle.root().items().unwrap().collect();
        let array = parts[0].items().unwrap().next().unwrap();
        assert_eq!(array.bytes(), Some(&[1, 2, 255][..]));
        let place: Vec<_> = parts[1].items().unwrap().next().unwrap().items().unwrap().collect();
        assert_eq!(place[1].whole(), Some(1));
        assert!(parts[2].is_none() && !parts[3].is_none());
    }

    #[test]
    fn every_pickle_that_is_cut_is_refused() {
        for pickle in [SCORES, ARRAYS] {
            for length in 0..pickle.len() {
                assert!(read(&pickle[..length]).is_err(), "{length} bytes");
            }
        }
    }

    #[test]
    fn what_is_no_plain_data_is_refused_and_named() {
        for (pickle, words) in [
            (&b"cos\nsystem\n(X\x04\0\0\0exittR."[..], "os.system"),
            (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "builtins.eval"),
            (b"(ios\nsystem\n.", "os.system"),
            (b"cnumpy\nndarray\n)R.", "called"),
            (b"cnumpy\ndtype\n(X\x02\0\0\0O8\x89\x88tR.", "dtype"),
            (b"Pabc\n.", "persistent"),
            (b"\x82\x01.", "registry"),
            (b"\x80\x05\x97.", "outside"),
            (b"0.", "empty stack"),
            (b"h\x07.", "not there"),
            (b"(.", "mark"),
            (b"X\xff\xff\xff\xffab.", "too early"),
            (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffab.", "too early"),
            (b"K\x01K\x02a.", "holds none"),
            (b"}(K\x01u.", "key"),
            (b"\xff", "meaning"),
            (b"", "too early"),
        ] {
            let error = read(pickle).err().unwrap();
            assert!(error.contains(words), "{pickle:?}: {error}");
        }
    }

    /// Reading and dropping one of a million lists in one another, or one that holds itself, or one
    /// that doubles with every step, takes neither stack nor memory.
    #[test]
    fn bombs_are_flat() {
        let deep = [vec![b']'; 1_000_000], vec![b'a'; 999_999], b".".to_vec()].concat();
        assert_eq!(read(&deep).unwrap().root().items().unwrap().count(), 1);
        let itself = read(b"]q\0h\0a.").unwrap();
        let inner = itself.root().items().unwrap().next().unwrap();
        assert_eq!(inner.items().unwrap().count(), 1);
        let doubled = [b"]".to_vec(), b"2\x86".repeat(100_000), b".".to_vec()].concat();
        assert_eq!(read(&doubled).unwrap().root().items().unwrap().count(), 2);
    }

    proptest! {
        /// Steps in any order end in an error or in a value.
        #[test]
        fn any_bytes_are_read_or_refused(
            steps in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(&b"N\x88K\x01M\x01\x02]})(tlde\x85\x86\x87asu012Rbh\x00q\x00\x94."[..]),
                    any::<u8>(),
                ],
                0..60,
            ),
            from in 0usize..300,
        ) {
            let whole = [&SCORES[..from.min(SCORES.len() - 1)], &steps[..]].concat();
            for bytes in [steps, whole] {
                if let Ok(pickle) = Pickle::read(bytes) {
                    prop_assert!(pickle.root().items().is_none_or(|items| items.count() < 400));
                }
            }
        }
    }
}
