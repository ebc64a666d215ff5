use toml::{Table, Value};

use crate::{Error, Result};

/// The section that has keys which may be left out; what does not belong there is found when it is read.
const WITH_OPTIONS: &str = "samples";
/// What such a key is left out by.
const LEFT_OUT: &str = "none";

/// Lays `over` upon `base`, which has every key there is: an unknown key or a value of another kind
/// is an error that names it. Lists are replaced whole.
pub(super) fn lay_over(base: &mut Table, over: Table, section: &str) -> Result<()> {
    for (name, value) in over {
        let key = join(section, &name);
        let has_options = section == WITH_OPTIONS || section.starts_with("samples.");
        let Some(old) = base.get_mut(&name) else {
            match value.as_str() == Some(LEFT_OUT) {
                _ if !has_options => return Err(unknown(base, &key, section)),
                true => continue,
                false => base.insert(name, value),
            };
            continue;
        };
        if has_options && !old.is_str() && value.as_str() == Some(LEFT_OUT) {
            base.remove(&name);
            continue;
        }
        match (&mut *old, value) {
            (Value::Table(old), Value::Table(new)) => lay_over(old, new, &key)?,
            (old, new) => *old = fitting(old, new, &key)?,
        }
    }
    Ok(())
}

/// The new value in the kind of the old one.
fn fitting(old: &Value, new: Value, key: &str) -> Result<Value> {
    match (old, new) {
        // Configurations hold small whole numbers; those that are none are refused further on.
        (Value::Float(_), Value::Integer(number)) => Ok(Value::Float(number as f64)),
        (old, new) if old.same_type(&new) => Ok(new),
        (old, new) => Err(Error::value(key, kind(old), new)),
    }
}

pub(super) fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

fn unknown(known: &Table, key: &str, section: &str) -> Error {
    let names: Vec<_> = known.keys().map(String::as_str).collect();
    let of = if section.is_empty() { "one of" } else { "one of this section's keys:" };
    Error::value(key, &format!("{of} {}", names.join(", ")), "a key that does not exist")
}

/// What a value is, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section with keys",
    }
}
