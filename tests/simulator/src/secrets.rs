//! Derives secrets and pseudo-random numbers from a seed, so that they do not have to be stored.

/// Part of every secret key and session token of the simulator, so that a test can search a program's outputs, logs and
/// files for leaked secrets.
pub const SECRET_MARKER: &str = "SIMSECRET";

/// Returns a secret access key of forty characters.
pub(crate) fn secret(seed: u64, index: u64) -> String {
    let mut text = derived(seed, index.wrapping_mul(2), 40);
    text.truncate(40);
    text
}

/// Returns the session token, of this length, that belongs to the secret of the same seed and index.
pub(crate) fn token(seed: u64, index: u64, length: usize) -> String {
    derived(seed, index.wrapping_mul(2) + 1, length)
}

fn derived(seed: u64, index: u64, length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+";
    let mut text = String::with_capacity(length);
    text.push_str(SECRET_MARKER);
    let mut dice = fastrand::Rng::with_seed(mix(seed ^ mix(index)));
    'fill: loop {
        let mut bits = dice.u64(..);
        for _ in 0..10 {
            if text.len() == length {
                break 'fill;
            }
            text.push(char::from(ALPHABET[(bits & 63) as usize]));
            bits >>= 6;
        }
    }
    text
}

/// The finaliser of splitmix64: neighbouring numbers give unrelated results.
pub(crate) const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
