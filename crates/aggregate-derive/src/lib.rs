//! `#[derive(Message)]`, which the crate `aggregate` re-exports beside its trait `Message` and documents there.
//!
//! It writes the functions that would otherwise be written by hand, each a `match` over the variants. It must never guess:
//! anything but an enum with one struct in each variant does not compile.

mod message;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `aggregate::Message` for an enum with one struct in each variant; see there.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    message::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
