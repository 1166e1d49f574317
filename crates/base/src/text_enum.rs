//! Enums whose variants each have a fixed text.

/// Defines an enum with a text for each variant, `ALL`, `as_str`, and `Display`.
#[macro_export]
macro_rules! text_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }
    ) => {
        $(#[$attribute])*
        $visibility enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every variant.
            #[allow(dead_code, reason = "only some enums are listed")]
            $visibility const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// Returns the variant's text.
            $visibility const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub use text_enum;
