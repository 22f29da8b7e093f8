//! What breaks a schema, in ajv's words: they name the place and the rule. The validator's own words quote the value.

use boon::{ErrorKind as Kind, Type, ValidationError};
use std::fmt::Display;

/// The rules that are broken, each with its place as a path whose parts stand between slashes; one for each property that
/// should not be there.
pub(super) fn describe(error: &ValidationError<'_, '_>) -> Vec<String> {
    match &error.kind {
        // What these hold together says more than they do.
        Kind::Group
        | Kind::Schema { .. }
        | Kind::ContentSchema
        | Kind::Reference { .. }
        | Kind::AllOf
            if !error.causes.is_empty() =>
        {
            error.causes.iter().flat_map(describe).collect()
        }
        kind => rules(kind)
            .into_iter()
            .map(|(property, rule)| format!("`{}` {rule}", place(error, property)))
            .collect(),
    }
}

/// The property that the rule is about, where it is not the value at the place, and the rule.
fn rules<'e>(kind: &'e Kind<'_, '_>) -> Vec<(Option<&'e str>, String)> {
    let one = |rule: String| vec![(None, rule)];
    let said = |rule: &str| vec![(None, rule.to_owned())];
    let more = |limit: &usize, of: &str| one(format!("must NOT have more than {limit} {of}"));
    let fewer = |limit: &usize, of: &str| one(format!("must NOT have fewer than {limit} {of}"));
    let compared = |sign: &str, limit: &dyn Display| one(format!("must be {sign} {limit}"));
    let missing = |names: &[&str]| {
        let rule = |name: &&str| (None, format!("must have required property '{name}'"));
        names.iter().map(rule).collect()
    };
    match kind {
        Kind::AdditionalProperties { got } => {
            let rule = || "must NOT have additional properties".to_owned();
            got.iter().map(|name| (Some(&**name), rule())).collect()
        }
        Kind::AdditionalItems { .. } => said("must NOT have additional items"),
        Kind::AnyOf => said("must match a schema in anyOf"),
        Kind::Const { .. } => said("must be equal to constant"),
        Kind::Contains => said("must contain a valid item"),
        Kind::MinContains { want, .. } => one(format!("must contain at least {want} valid items")),
        Kind::MaxContains { want, .. } => one(format!("must contain at most {want} valid items")),
        Kind::ContentEncoding { want, .. } => one(format!("must be encoded as \"{want}\"")),
        Kind::ContentMediaType { want, .. } => one(format!("must be of media type \"{want}\"")),
        Kind::Dependency { missing: names, .. }
        | Kind::DependentRequired { missing: names, .. }
        | Kind::Required { want: names } => missing(names),
        Kind::Enum { .. } => said("must be equal to one of the allowed values"),
        Kind::ExclusiveMaximum { want, .. } => compared("<", want),
        Kind::ExclusiveMinimum { want, .. } => compared(">", want),
        Kind::Maximum { want, .. } => compared("<=", want),
        Kind::Minimum { want, .. } => compared(">=", want),
        Kind::MultipleOf { want, .. } => compared("multiple of", want),
        Kind::FalseSchema => said("must NOT be there"),
        Kind::Format { want, .. } => one(format!("must match format \"{want}\"")),
        Kind::MaxItems { want, .. } => more(want, "items"),
        Kind::MinItems { want, .. } => fewer(want, "items"),
        Kind::MaxLength { want, .. } => more(want, "characters"),
        Kind::MinLength { want, .. } => fewer(want, "characters"),
        Kind::MaxProperties { want, .. } => more(want, "properties"),
        Kind::MinProperties { want, .. } => fewer(want, "properties"),
        Kind::Not => said("must NOT be valid"),
        Kind::OneOf(_) => said("must match exactly one schema in oneOf"),
        Kind::Pattern { want, .. } => one(format!("must match pattern \"{want}\"")),
        Kind::PropertyName { prop } => {
            vec![(Some(prop), "must be a valid property name".to_owned())]
        }
        Kind::Type { want, .. } => {
            let names: Vec<_> = want.iter().map(|one: Type| one.to_string()).collect();
            one(format!("must be {}", names.join(",")))
        }
        Kind::UniqueItems {
            got: [first, second],
        } => one(format!(
            "must NOT have duplicate items (items ## {second} and {first} are identical)"
        )),
        _ => said("must be valid"),
    }
}

/// The JSON pointer of the error, with `~1` and `~0` read back and without the first slash.
fn place(error: &ValidationError<'_, '_>, property: Option<&str>) -> String {
    let pointer = error.instance_location.to_string();
    let path = pointer.strip_prefix('/').unwrap_or(&pointer);
    let level = path.replace("~1", "/").replace("~0", "~");
    match property {
        None => level,
        Some(property) if level.is_empty() => property.to_owned(),
        Some(property) => format!("{level}/{property}"),
    }
}
