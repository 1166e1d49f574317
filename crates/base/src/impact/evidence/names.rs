//! Keeps each text once, and gives it a number.

use std::collections::HashMap;
use std::hash::Hash;

/// Values with a number for each. The numbers start at 0.
#[derive(Debug)]
pub(super) struct Names<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Names<T> {
    /// Returns the number of a value.
    pub(super) fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).expect("there are fewer values than rows");
        self.numbers.insert(value.clone(), number);
        self.values.push(value.clone());
        number
    }

    /// Returns the number of a value that is known already.
    pub(super) fn find(&self, value: &T) -> Option<u32> {
        self.numbers.get(value).copied()
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns the value with this number.
    pub(super) fn get(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}
