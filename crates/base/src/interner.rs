//! An interner: gives equal values one copy in memory.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// The values that were seen so far.
#[derive(Debug, PartialEq, Eq)]
pub struct Interner<T: ?Sized + Eq + Hash>(HashSet<Arc<T>>);

impl<T: ?Sized + Eq + Hash> Clone for Interner<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized + Eq + Hash> Default for Interner<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: ?Sized + Eq + Hash> Interner<T> {
    /// Replaces the value by the copy that was seen first.
    pub fn intern(&mut self, value: &mut Arc<T>) {
        if let Some(first) = self.0.get(&**value) {
            *value = Arc::clone(first);
        } else {
            self.0.insert(Arc::clone(value));
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
