use quote::quote;
use syn::parse_quote;

use super::{DeriveInput, TokenStream, expand};

/// The messages of the error, if there is one.
fn errors(input: &DeriveInput) -> Vec<String> {
    expand(input).err().into_iter().flatten().map(|error| error.to_string()).collect()
}

fn assert_expands_to(input: &DeriveInput, expected: &TokenStream) {
    assert_eq!(expand(input).unwrap().to_string(), expected.to_string());
}

#[test]
fn each_variant_is_the_message_of_its_name() {
    let input = parse_quote! {
        enum Event { Opened(AccountOpened), Closed(AccountClosed) }
    };
    assert_expands_to(
        &input,
        &quote! {
            #[automatically_derived]
            impl ::aggregate::Message for Event {
                fn message_type(&self) -> &'static str {
                    match self {
                        Self::Opened(_) => "Opened",
                        Self::Closed(_) => "Closed",
                    }
                }

                fn decode<P: ::aggregate::Payload>(
                    message_type: &str,
                    payload: P,
                ) -> ::core::result::Result<::core::option::Option<Self>, P::Error> {
                    ::core::result::Result::Ok(::core::option::Option::Some(match message_type {
                        "Opened" => Self::Opened(payload.read()?),
                        "Closed" => Self::Closed(payload.read()?),
                        _ => return ::core::result::Result::Ok(::core::option::Option::None),
                    }))
                }
            }
        },
    );
}

#[test]
fn a_validated_message_is_validated_by_its_variant() {
    let input = parse_quote! {
        #[message(validate)]
        enum Command { OpenAccount(OpenAccount) }
    };
    let expanded = expand(&input).unwrap().to_string();
    let validate = quote! {
        impl ::garde::Validate for Command {
            type Context = ();

            fn validate_into(
                &self,
                context: &(),
                path: &mut dyn ::core::ops::FnMut() -> ::garde::Path,
                report: &mut ::garde::Report,
            ) {
                match self {
                    Self::OpenAccount(message) => ::garde::Validate::validate_into(message, context, path, report),
                }
            }
        }
    };
    assert!(expanded.ends_with(&validate.to_string()), "{expanded}");
}

#[test]
fn every_variant_that_holds_no_struct_is_named() {
    let input = parse_quote! {
        enum Event { Opened(AccountOpened), Frozen, Moved { to: String }, Merged(AccountId, AccountId) }
    };
    assert_eq!(
        errors(&input),
        ["Frozen", "Moved", "Merged"]
            .map(|name| format!("a message is a struct of its own: `{name}({name})`"))
    );
}

#[test]
fn only_an_enum_with_variants_can_be_messages() {
    for (input, error) in [
        (parse_quote! { struct Opened {} }, "`Message` can only be derived for an enum"),
        (parse_quote! { union Either { one: u8, other: u8 } }, "`Message` can only be derived for an enum"),
        (parse_quote! { enum Event {} }, "an enum of messages needs at least one variant"),
    ] {
        assert_eq!(errors(&input), [error]);
    }
}

#[test]
fn an_unknown_attribute_is_refused() {
    let input = parse_quote! {
        #[message(valid)]
        enum Event { Opened(AccountOpened) }
    };
    assert_eq!(errors(&input), ["expected `validate`"]);
}
