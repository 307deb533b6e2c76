//! Where text is written: at the end of a text, or of the bytes of one. Not the writing of values.

/// Something that grows by text. Answers are made as bytes, because bytes of which it is known that
/// they are text need not be looked at again; what is kept or compared is a `String`.
pub trait Append {
    /// Appends a text.
    fn push_text(&mut self, text: &str);

    /// Appends characters of ASCII; nothing when there is another among them.
    fn push_ascii(&mut self, characters: &[u8]);
}

impl Append for String {
    fn push_text(&mut self, text: &str) {
        self.push_str(text);
    }

    fn push_ascii(&mut self, characters: &[u8]) {
        self.push_str(std::str::from_utf8(characters).unwrap_or_default());
    }
}

impl Append for Vec<u8> {
    #[inline]
    fn push_text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn push_ascii(&mut self, characters: &[u8]) {
        debug_assert!(characters.is_ascii());
        self.extend_from_slice(characters);
    }
}
