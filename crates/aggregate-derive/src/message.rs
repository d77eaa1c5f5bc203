use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, Variant};

/// The implementation of `Message`, and that of `garde::Validate` if the enum asks for it.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let variants = variants(input)?;
    let message = message(input, &variants);
    let validate = is_validated(input)?.then(|| validate(input, &variants));
    Ok(quote! { #message #validate })
}

/// The names of the variants, each of which holds one struct.
fn variants(input: &DeriveInput) -> Result<Vec<&Ident>> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "`Message` can only be derived for an enum"));
    };
    if data.variants.is_empty() {
        return Err(Error::new_spanned(&input.ident, "an enum of messages needs at least one variant"));
    }
    let mut names = Vec::new();
    let mut errors = None::<Error>;
    for variant in &data.variants {
        if holds_one_struct(variant) {
            names.push(&variant.ident);
            continue;
        }
        let name = &variant.ident;
        let error =
            Error::new_spanned(variant, format!("a message is a struct of its own: `{name}({name})`"));
        match &mut errors {
            Some(errors) => errors.combine(error),
            None => errors = Some(error),
        }
    }
    errors.map_or(Ok(names), Err)
}

fn holds_one_struct(variant: &Variant) -> bool {
    matches!(&variant.fields, Fields::Unnamed(fields) if fields.unnamed.len() == 1)
}

/// Whether the enum has the attribute `#[message(validate)]`.
fn is_validated(input: &DeriveInput) -> Result<bool> {
    let mut is_validated = false;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("message")) {
        attribute.parse_nested_meta(|meta| {
            is_validated = meta.path.is_ident("validate");
            if is_validated { Ok(()) } else { Err(meta.error("expected `validate`")) }
        })?;
    }
    Ok(is_validated)
}

fn message(input: &DeriveInput, variants: &[&Ident]) -> TokenStream {
    let name = &input.ident;
    let message_types = variants.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics ::aggregate::Message for #name #arguments #bounds {
            fn message_type(&self) -> &'static str {
                match self {
                    #(Self::#variants(_) => #message_types,)*
                }
            }

            fn decode<P: ::aggregate::Payload>(
                message_type: &str,
                payload: P,
            ) -> ::core::result::Result<::core::option::Option<Self>, P::Error> {
                ::core::result::Result::Ok(::core::option::Option::Some(match message_type {
                    #(#message_types => Self::#variants(payload.read()?),)*
                    _ => return ::core::result::Result::Ok(::core::option::Option::None),
                }))
            }
        }
    }
}

fn validate(input: &DeriveInput, variants: &[&Ident]) -> TokenStream {
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #generics ::garde::Validate for #name #arguments #bounds {
            type Context = ();

            fn validate_into(
                &self,
                context: &(),
                path: &mut dyn ::core::ops::FnMut() -> ::garde::Path,
                report: &mut ::garde::Report,
            ) {
                match self {
                    #(Self::#variants(message) => ::garde::Validate::validate_into(message, context, path, report),)*
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
