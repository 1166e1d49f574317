//! An interner: gives equal texts one copy in memory.

use std::collections::HashSet;
use std::sync::Arc;

/// The texts that were seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interner(HashSet<Arc<str>>);

impl Interner {
    /// Replaces the text by the copy that was seen first.
    pub(crate) fn intern(&mut self, text: &mut Arc<str>) {
        if let Some(first) = self.0.get(text) {
            *text = Arc::clone(first);
        } else {
            self.0.insert(Arc::clone(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_copy() {
        let mut interner = Interner::default();
        let mut texts = ["a", "b", "a", "", ""].map(Arc::<str>::from);
        for text in &mut texts {
            interner.intern(text);
        }
        assert_eq!(texts.each_ref().map(|text| &**text), ["a", "b", "a", "", ""]);
        let is_shared = |one: usize, other: usize| Arc::ptr_eq(&texts[one], &texts[other]);
        assert!(is_shared(0, 2) && is_shared(3, 4) && !is_shared(0, 1));
    }
}
