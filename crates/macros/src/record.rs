//! `#[derive(Record)]`: which resource, which fields, which searches. Not the check itself: that is
//! in `carnet_records::logic`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, Ident, LitStr, Meta, Result, Token, parenthesized,
};

/// What `#[record(…)]` says.
#[derive(Default)]
struct Said {
    resource: Option<LitStr>,
    searches: Vec<Vec<Ident>>,
}

/// How serde names the fields of a struct.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Camel,
    Snake,
    Other,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let said = said(input)?;
    let resource = said.resource.ok_or_else(|| {
        let message = "say which resource it is a record of: #[record(\"products\")]";
        Error::new(input.ident.span(), message)
    })?;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.ident.span(), "a record is a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        let message = "a record is a struct with named fields";
        return Err(Error::new(data.fields.span(), message));
    };
    let case = case(&input.attrs)?;
    let mut checks = Vec::new();
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        let serde = serde_of(&field.attrs)?;
        if serde.left_out {
            continue;
        }
        let name = serde.name.unwrap_or_else(|| named(ident, case));
        let kind = &field.ty;
        checks.push(quote! {
            ::carnet::RecordField {
                name: #name,
                fits: <#kind as ::carnet::Fits>::fits,
            }
        });
    }
    let searches = said.searches.iter().map(|fields| {
        let names = fields.iter().map(|ident| named(ident, Case::Camel));
        quote! { &[#(#names),*] }
    });
    let ident = &input.ident;
    let (before, types, after) = input.generics.split_for_impl();
    Ok(quote! {
        impl #before ::carnet::Record for #ident #types #after {
            const RESOURCE: &'static str = #resource;

            fn fields() -> ::std::vec::Vec<::carnet::RecordField> {
                ::std::vec![#(#checks),*]
            }

            fn searches() -> &'static [&'static [&'static str]] {
                &[#(#searches),*]
            }
        }
    })
}

fn said(input: &DeriveInput) -> Result<Said> {
    let mut said = Said::default();
    for attribute in input
        .attrs
        .iter()
        .filter(|one| one.path().is_ident("record"))
    {
        attribute.parse_args_with(|stream: syn::parse::ParseStream<'_>| {
            loop {
                if stream.peek(LitStr) {
                    said.resource = Some(stream.parse()?);
                } else {
                    let word: Ident = stream.parse()?;
                    if word != "by" {
                        return Err(Error::new(word.span(), "say `by(field, …)`"));
                    }
                    let inside;
                    parenthesized!(inside in stream);
                    let fields = Punctuated::<Ident, Token![,]>::parse_terminated(&inside)?;
                    said.searches.push(fields.into_iter().collect());
                }
                if stream.is_empty() {
                    return Ok(());
                }
                stream.parse::<Token![,]>()?;
            }
        })?;
    }
    Ok(said)
}

/// What serde is told of one field.
#[derive(Default)]
struct Serde {
    name: Option<String>,
    left_out: bool,
}

fn serde_of(attributes: &[Attribute]) -> Result<Serde> {
    let mut found = Serde::default();
    each_serde(attributes, |meta| {
        if meta.path().is_ident("rename")
            && let Some(text) = text_of(meta)
        {
            found.name = Some(text);
        }
        let skipped = ["skip", "skip_deserializing", "flatten", "default"];
        if skipped.iter().any(|word| meta.path().is_ident(word)) {
            found.left_out = true;
        }
    })?;
    Ok(found)
}

fn case(attributes: &[Attribute]) -> Result<Case> {
    let mut case = Case::Camel;
    each_serde(attributes, |meta| {
        if meta.path().is_ident("rename_all") {
            case = match text_of(meta).as_deref() {
                Some("camelCase") => Case::Camel,
                Some("snake_case") => Case::Snake,
                _ => Case::Other,
            };
        }
    })?;
    if case == Case::Other {
        let message = "the fields of the API are in camelCase";
        let span = attributes
            .first()
            .map_or_else(proc_macro2::Span::call_site, Spanned::span);
        return Err(Error::new(span, message));
    }
    Ok(case)
}

fn each_serde(attributes: &[Attribute], mut each: impl FnMut(&Meta)) -> Result<()> {
    for attribute in attributes.iter().filter(|one| one.path().is_ident("serde")) {
        let all = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
        all.iter().for_each(&mut each);
    }
    Ok(())
}

fn text_of(meta: &Meta) -> Option<String> {
    let Meta::NameValue(pair) = meta else {
        return None;
    };
    match &pair.value {
        syn::Expr::Lit(literal) => match &literal.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// `category_id` as the API names it.
fn named(ident: &Ident, case: Case) -> String {
    let text = ident.to_string();
    let text = text.strip_prefix("r#").unwrap_or(&text);
    if case == Case::Snake {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut upper = false;
    for character in text.chars() {
        match character {
            '_' => upper = true,
            other if upper => {
                out.extend(other.to_uppercase());
                upper = false;
            }
            other => out.push(other),
        }
    }
    out
}
